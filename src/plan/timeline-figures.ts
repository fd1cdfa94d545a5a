/** Who serves in a fleet, and who gets which share of its requests. Pure. */
import type { VersionShare } from '../model/report.ts'
import { type VersionId, versionName } from '../model/version.ts'
import { type Fleet, type FleetInstance, isLeaving, isReady, type Lane } from './fleet.ts'

/**
 * The present versions of a fleet, `last` after the others; instances of one lane share its requests evenly. `left` are
 * the names of those that have left rotation and are not ended yet.
 */
export function versionShares(
  fleet: Fleet,
  last: VersionId | undefined,
  left: ReadonlySet<string>,
): readonly VersionShare[] {
  const present = fleet.instances.filter(({ phase }) => phase !== 'gone' && phase !== 'exited')
  const byVersion = Map.groupBy(present, ({ version }) => version)
  const versions = [...byVersion.keys()].toSorted((a, b) => Number(a === last) - Number(b === last))
  const shareOf = sharing(fleet)
  return versions.map((version) => {
    const instances = byVersion.get(version) ?? []
    return {
      version: versionName(fleet.key.service, version),
      ...countsOf(instances, fleet, left),
      share: shareOf(version),
    }
  })
}

function countsOf(
  instances: readonly FleetInstance[],
  { target }: Fleet,
  left: ReadonlySet<string>,
): Omit<VersionShare, 'version' | 'share'> {
  const staying = instances.filter((instance) => !isLeaving(instance) && !left.has(instance.name))
  const ready = staying.filter((instance) => isReady(instance, target)).length
  const healthy = staying.filter(({ health }) => health === 'healthy').length
  return {
    ready,
    starting: staying.length - healthy,
    warm: healthy - ready,
    leaving: instances.length - staying.length,
  }
}

/** A lane that nobody serves in leaves its requests to the other one. */
function sharing({ instances, target, split }: Fleet): (version: VersionId) => number {
  const crews = Map.groupBy(
    instances.filter((instance) => isReady(instance, target)),
    laneOf,
  )
  const thousandths = (lane: Lane) => (crews.size < 2 ? 1_000 : lane === 'b' ? split : 1_000 - split)
  return (version) =>
    [...crews].reduce((sum, [lane, crew]) => {
      return sum + (thousandths(lane) * crew.filter((each) => each.version === version).length) / crew.length
    }, 0) / 1_000
}

function laneOf({ lane = 'a' }: FleetInstance): Lane {
  return lane
}
