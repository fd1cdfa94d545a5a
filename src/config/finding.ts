/** What is wrong in a stack file, apart from where the file says it; and the one error made of all that is wrong. */
import { closest, distance } from 'fastest-levenshtein'
import { RepaveError, type ErrorCode, type FilePosition } from '../errors.ts'

/** Keys and list indexes from the top of the file. */
export type KeyPath = readonly (string | number)[]

export interface Finding {
  /** Absent: FILE_INVALID. */
  readonly code?: ErrorCode
  readonly path: KeyPath
  /** Whether the key itself is meant, or its value; absent: the value. */
  readonly part?: 'key' | 'value'
  readonly message: string
  readonly hint: string
}

/** A stack file as plain data, and where each part of it is. */
export interface Source {
  /** Absolute path. */
  readonly file: string
  readonly value: unknown
  /** The position of the deepest part of `path` that exists. */
  positionOf(path: KeyPath, part: 'key' | 'value'): FilePosition
}

const mostShown = 10

/** One error for all findings: the first in the file leads, the others follow a line each. */
export function stackFileError(findings: readonly Finding[], source: Source): RepaveError {
  const located = findings
    .map((finding) => ({ ...finding, at: source.positionOf(finding.path, finding.part ?? 'value') }))
    .toSorted((a, b) => (a.at.line ?? 0) - (b.at.line ?? 0) || (a.at.column ?? 0) - (b.at.column ?? 0))
  const [first, ...others] = located
  if (!first) throw new TypeError('an error needs at least one finding')
  const shown = others.slice(0, mostShown - 1).map(({ at, message }) => `${lineOf(at)}${message}`)
  const left = others.length - shown.length
  const lines = [first.message, ...shown, ...(left > 0 ? [`and ${left} more`] : [])]
  return new RepaveError(first.code ?? 'FILE_INVALID', lines.join('\n'), { hint: first.hint, at: first.at })
}

/** `services.web.route[1].path` */
export function pathName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the stack file'
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index ? '.' : ''}${String(key)}`)).join('')
}

/** The offending value as a reader of the file would know it, cut where it is long. */
export function printValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  // JSON has no NaN and no Infinity.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** `; did you mean "port"?`, or nothing where no known name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const wanted = name.toLowerCase().slice(0, 100)
  const candidate = closest(wanted, known)
  const length = Math.max(wanted.length, candidate.length)
  const tolerance = length <= 3 ? 1 : Math.max(2, Math.floor(length / 3))
  const isNear =
    (wanted.length >= 3 && candidate.startsWith(wanted)) ||
    letters(wanted) === letters(candidate) ||
    distance(wanted, candidate) <= tolerance
  return isNear ? suggestionOf(candidate) : ''
}

export function suggestionOf(name: string): string {
  return `; did you mean ${JSON.stringify(name)}?`
}

/** What there is to choose from. */
export function choices(known: readonly string[], noun: string): string {
  return known.length === 0 ? `there are no ${noun} here` : `the ${noun} here are: ${known.slice(0, 30).join(', ')}`
}

/** The same for words that differ only by letters that changed places. */
function letters(word: string): string {
  return word.split('').toSorted().join('')
}

function lineOf(at: FilePosition): string {
  return at.line === undefined ? '' : `line ${at.line}: `
}
