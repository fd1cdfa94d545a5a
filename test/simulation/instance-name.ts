/** What an instance's name says. */
import type { FleetKey } from '../../src/model/stack.ts'
import { instancePrefix } from '../../src/plan/fleet.ts'
import { shortVersion, type VersionId } from '../../src/model/version.ts'

/** The one that an instance belongs to, whether it is there or only meant. */
export function fleetOf<Fleet extends { readonly key: FleetKey }>(
  instance: string,
  fleets: readonly Fleet[],
): Fleet | undefined {
  return fleets.find(({ key }) => instance.startsWith(`${instancePrefix(key)}-`))
}

/** Whether it is one of this version. */
export function isOf(instance: string, key: FleetKey, version: VersionId | undefined): boolean {
  return version !== undefined && instance.startsWith(`${instancePrefix(key)}-${shortVersion(version)}-`)
}
