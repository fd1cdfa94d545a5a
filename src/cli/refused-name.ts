/** What people refuse, from the words of the command line: WHAT, or one of the options in its place. */
import { RepaveError } from '../errors.ts'
import type { RefusedName } from '../model/refusal.ts'

/** The options that name what is refused in the place of WHAT. */
export interface NamingOptions {
  /** `key=value` */
  readonly label?: string
  /** A name or a digest. */
  readonly base?: string
  /** `name`, or `name@version`. */
  readonly package?: string
}

/** Whether anything is named at all. */
export function namesAny(what: string | undefined, options: NamingOptions): boolean {
  return named(what, options).length > 0
}

/** Throws USAGE for more than one, for none, and for what is no label or package. */
export function refusedName(what: string | undefined, options: NamingOptions): RefusedName {
  const [first, second] = named(what, options)
  if (!first || first.text === '') throw usage('nothing is named', `name ${examples}`)
  if (second)
    throw usage(
      `${first.words} and ${second.words} are two things`,
      'name one of them, and the other with another command',
    )
  return first.parse(first.text)
}

const examples = 'a version (`web@4f9a1c2b`), an image (`sha256:…`), or --label key=value, --base NAME, --package NAME'

interface Named {
  readonly text: string
  readonly words: string
  readonly parse: (text: string) => RefusedName
}

function named(what: string | undefined, options: NamingOptions): readonly Named[] {
  const option = (name: keyof NamingOptions, parse: Named['parse']): readonly Named[] => {
    const { [name]: text } = options
    return text === undefined ? [] : [{ text, words: `--${name} ${text}`, parse }]
  }
  return [
    ...(what === undefined ? [] : [{ text: what, words: what, parse: nameOf }]),
    ...option('label', labelOf),
    ...option('base', (base) => ({ kind: 'base', base })),
    ...option('package', packageOf),
  ]
}

function nameOf(name: string): RefusedName {
  return { kind: 'name', name }
}

function labelOf(text: string): RefusedName {
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (key !== '') return { kind: 'label', label: key, value }
  throw usage(`--label can't be ${JSON.stringify(text)}`, 'give it as key=value: --label org.example.team=shop')
}

/** A package's name may begin with an @ of its own: `@scope/name@1.0.0`. */
function packageOf(text: string): RefusedName {
  const [, name = '', version] = /^(@?[^@\s]+)(?:@([^@\s]+))?$/.exec(text) ?? []
  if (name !== '') return { kind: 'package', name, ...(version !== undefined && { version }) }
  throw usage(
    `--package can't be ${JSON.stringify(text)}`,
    'give it as name, or name@version: --package openssl@3.0.11-1',
  )
}

function usage(message: string, hint: string): RepaveError {
  return new RepaveError('USAGE', message, { hint })
}
