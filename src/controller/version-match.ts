/** The version that people mean by a name, an id or its first digits. Pure. */
import { RepaveError } from '../errors.ts'
import { versionName } from '../model/version.ts'
import type { VersionRecord } from '../store/store.ts'

/** Throws VERSION_UNKNOWN or VERSION_AMBIGUOUS. */
export function matchingVersion(named: string, candidates: readonly VersionRecord[]): VersionRecord {
  const [service, prefix] = named.includes('@') ? named.split('@', 2) : [undefined, named]
  const matching = candidates.filter(
    (record) => (service === undefined || record.service === service) && prefix && record.version.startsWith(prefix),
  )
  const [first, second] = matching
  if (!first) throw unknownVersion(named, candidates)
  if (!second) return first
  throw new RepaveError('VERSION_AMBIGUOUS', `${named} could be ${matching.map(fullName).join(' or ')}`, {
    hint: 'give more digits, or name the service',
  })
}

export function unknownVersion(named: string, candidates: readonly VersionRecord[]): RepaveError {
  return new RepaveError('VERSION_UNKNOWN', `no version ${named} ever ran here`, {
    hint: `known are: ${candidates.map((record) => versionName(record.service, record.version)).join(', ')}`,
  })
}

function fullName({ service, version }: VersionRecord): string {
  return `${service}@${version.slice(0, 16)}`
}
