/** How far a fleet has come towards what the present stage of its rollout wants. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import type { VersionId } from '../model/version.ts'
import { type Fleet, type FleetInstance, type FleetTarget, isLeaving, isReady, isRouted } from './fleet.ts'
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
  return fresh.filter((instance) => couldServe(instance, fleet.target)).length
}

/** How many of all that is wanted: while traffic moves by shares, what it leaves is made whole too. */
export function readyOfAll(fleet: Fleet): number {
  return fleet.target.groups.reduce((sum, { version }) => sum + readyOf(fleet, version), 0)
}

/** Serves, or is in the router and would. */
export function couldServe(instance: FleetInstance, target: Pick<FleetTarget, 'routed'>): boolean {
  if (!target.routed) return isReady(instance, target)
  return isRouted(instance) && instance.phase === 'running' && instance.health === 'healthy' && !isLeaving(instance)
}

/** Instances that could serve and are not wanted; one that has left rotation could not. */
function outdated({ instances, target }: Fleet): number {
  const kept = new Map(target.groups.map(({ version, count }) => [version, count]))
  const remaining = instances.filter(
    (instance) =>
      (instance.phase === 'running' || instance.phase === 'created') &&
      (isRouted(instance) || !target.routed) &&
      !isLeaving(instance),
  )
  return remaining.filter(({ version, condemned }) => {
    const left = kept.get(version) ?? 0
    if (condemned || left === 0) return true
    kept.set(version, left - 1)
    return false
  }).length
}
