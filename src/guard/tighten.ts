/** What a service becomes when its limits are tightened. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import { type Resources, versionId } from '../model/version.ts'

/** The same with no more than `limits`, which is another version; undefined where it has no more already. */
export function tightened(service: ServiceRelease, limits: Partial<Resources>): ServiceRelease | undefined {
  const { cpuMillis, memoryBytes, pids } = service.spec.resources
  const resources: Resources = {
    cpuMillis: Math.min(cpuMillis, limits.cpuMillis ?? Infinity),
    memoryBytes: Math.min(memoryBytes, limits.memoryBytes ?? Infinity),
    pids: Math.min(pids, limits.pids ?? Infinity),
  }
  const spec = { ...service.spec, resources }
  const version = versionId(spec)
  return version === service.version ? undefined : { ...service, spec, version }
}
