/** Which versions a service can go back to. Pure. */
import { own } from '../model/own.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { ReleaseRecord, VersionRecord } from '../store/store.ts'

/** What an environment ran so far, newest first. */
export interface Past {
  readonly history: readonly ReleaseRecord[]
  readonly versions: readonly VersionRecord[]
}

/** The versions of `service` that were ever proven, each as it was released last, newest first. */
export function provenReleases(service: string, { history, versions }: Past): readonly ServiceRelease[] {
  const records = versions.filter((record) => record.service === service && record.state === 'proven')
  const proven = new Set(records.map(({ version }) => version))
  const released = new Map<string, ServiceRelease>()
  for (const { release } of history) {
    const each = own(release.services, service)
    if (each && proven.has(each.version) && !released.has(each.version)) released.set(each.version, each)
  }
  return [...released.values()]
}
