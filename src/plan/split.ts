/** How the requests of a fleet are shared between its two lanes. Pure. */
import { type Fleet, type FleetInstance, groupOf, isEnding, isRouted } from './fleet.ts'

/** Thousandths of the requests that lane b should get now. */
export function wantedSplit(fleet: Fleet): number {
  const { lane, thousandths, held } = fleet.target.share
  const has = lane === 'b' ? fleet.split : 1_000 - fleet.split
  const gets = isPrepared(fleet) ? thousandths : Math.min(has, held)
  return lane === 'b' ? gets : 1_000 - gets
}

/** Whether the lane that is to get more has what it needs for that. */
export function isPrepared({ target, instances }: Fleet): boolean {
  const { lane, needs, isExclusive } = target.share
  const there = instances.filter((instance) => instance.lane === lane && isRouted(instance))
  if (isExclusive && there.some(({ version }) => groupOf(target, version)?.lane !== lane)) return false
  return there.filter(couldServe).length >= needs
}

function couldServe(instance: FleetInstance): boolean {
  return instance.phase === 'running' && instance.health === 'healthy' && !isEnding(instance)
}
