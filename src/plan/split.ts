/** How the requests of a fleet are shared between its two lanes. Pure. */
import {
  type Fleet,
  type FleetInstance,
  type FleetTarget,
  groupOf,
  isLeaving,
  isRouted,
  laneShare,
  whyOutdated,
} from './fleet.ts'

/** Thousandths of the requests that lane b should get now. */
export function wantedSplit(fleet: Fleet): number {
  const { lane, thousandths, held } = fleet.target.share
  const has = laneShare(fleet.split, lane)
  const gets = isPrepared(fleet) ? thousandths : canTakeBack(fleet) ? Math.min(has, held) : has
  return lane === 'b' ? gets : 1_000 - gets
}

/** Whether the other lane, too, could bear the requests that this one is not to have yet. */
function canTakeBack({ target, instances }: Fleet): boolean {
  const { lane } = target.share
  const there = instances.filter((instance) => instance.lane !== lane && isRouted(instance))
  return there.filter(isServing).length >= Math.max(1, target.floor)
}

/** Whether the lane that is to get more has what it needs for that. */
export function isPrepared({ target, instances }: Fleet): boolean {
  const { lane, needs, isExclusive } = target.share
  const there = instances.filter((instance) => instance.lane === lane && isRouted(instance))
  if (isExclusive && there.some(({ version }) => groupOf(target, version)?.lane !== lane)) return false
  return there.filter((instance) => couldServe(instance, target)).length >= needs
}

/** One that is not wanted counts while it serves: it is not let go before another takes its place. */
function couldServe(instance: FleetInstance, target: FleetTarget): boolean {
  if (!isServing(instance)) return false
  return whyOutdated(instance, target) === undefined || (instance.rotation === 'in' && !target.share.isExclusive)
}

function isServing(instance: FleetInstance): boolean {
  return instance.phase === 'running' && instance.health === 'healthy' && !isLeaving(instance)
}
