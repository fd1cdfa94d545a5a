/** Which entries a filter means: for stores that look at each, and for copies of a ledger. */
import type { EntryFilter, RecordedEntry } from './store.ts'

const equal = ['stack', 'environment', 'service', 'instance', 'by'] as const

/** `last` is left to the caller. */
export function isMatch(entry: RecordedEntry, filter: EntryFilter): boolean {
  const { kinds, version, after = -1, sinceMs = -Infinity, untilMs = Infinity } = filter
  return (
    entry.sequence > after &&
    entry.atMs >= sinceMs &&
    entry.atMs <= untilMs &&
    (version === undefined || entry.version?.startsWith(version) === true) &&
    (kinds === undefined || kinds.includes(entry.kind)) &&
    equal.every((column) => filter[column] === undefined || filter[column] === entry[column])
  )
}
