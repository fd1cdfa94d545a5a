/** What people refuse, from the words of the command line: WHAT, or `--label key=value`. */
import { RepaveError } from '../errors.ts'
import type { RefusedName } from '../model/refusal.ts'

/** Throws USAGE for both, for neither, and for what is no label. */
export function refusedName(what: string | undefined, label: string | undefined): RefusedName {
  if (what !== undefined && label !== undefined)
    throw usage(`${what} and --label ${label} are two things`, 'name one of them, and the other with another command')
  if (what !== undefined && what !== '') return { kind: 'name', name: what }
  const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(label ?? '') ?? []
  if (key !== '') return { kind: 'label', label: key, value }
  throw label === undefined
    ? usage('nothing is named', 'name a version (`web@4f9a1c2b`), an image (`sha256:…`), or --label key=value')
    : usage(`--label can't be ${JSON.stringify(label)}`, 'give it as key=value: --label org.example.team=shop')
}

function usage(message: string, hint: string): RepaveError {
  return new RepaveError('USAGE', message, { hint })
}
