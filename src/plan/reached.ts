/** How far a fleet has come towards what the present stage of its rollout wants. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import type { VersionId } from '../model/version.ts'
import { type Fleet, type FleetInstance, isLeaving, isReady, isRouted } from './fleet.ts'
import { isPrepared, wantedSplit } from './split.ts'

/** Whether all is as the present stage wants it. */
export function hasReached(fleet: Fleet, { version, replicas }: Pick<ServiceRelease, 'version' | 'replicas'>): boolean {
  if (wantedSplit(fleet) !== fleet.split) return false
  const isStaged = fleet.target.share.isExclusive
  return isStaged ? isPrepared(fleet) : readyOf(fleet, version) >= replicas && outdated(fleet) === 0
}

/** How many instances of `version` serve, or would. */
export function readyOf(fleet: Fleet, version: VersionId): number {
  const fresh = fleet.instances.filter((instance) => instance.version === version && !instance.condemned)
  return fresh.filter((instance) => couldServe(instance, fleet)).length
}

/** Serves, or is in the router and would. */
export function couldServe(instance: FleetInstance, { target }: Fleet): boolean {
  if (!target.routed) return isReady(instance, target)
  return isRouted(instance) && instance.phase === 'running' && instance.health === 'healthy' && !isLeaving(instance)
}

/** Instances that still have to leave rotation, or could serve and are not wanted. */
function outdated(fleet: Fleet): number {
  const { groups } = fleet.target
  const kept = new Map(groups.map(({ version, count }) => [version, count]))
  const remaining = fleet.instances.filter(
    (instance) => (instance.phase === 'running' || instance.phase === 'created') && !isLeaving(instance),
  )
  return remaining.filter(({ version, condemned }) => {
    const left = kept.get(version) ?? 0
    if (condemned || left === 0) return true
    kept.set(version, left - 1)
    return false
  }).length
}
