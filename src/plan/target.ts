/** What a fleet should be now: by its release, and by how far its rollout has come. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import { resolveQuantity } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import { allRequests, type Stage } from '../rollout/stage.ts'
import { stagesOf } from '../rollout/stages.ts'
import {
  type FleetInstance,
  type FleetTarget,
  type Group,
  isLeaving,
  isRouted,
  type Lane,
  mainLane,
  otherLane,
  type TrafficShare,
} from './fleet.ts'

/** How far the rollout to the service's version has come. */
export interface RolloutPosition {
  /** What the fleet had; undefined: nothing. */
  readonly from: ServiceRelease | undefined
  readonly stage: number
  readonly isSwitch: boolean
  readonly isPaused: boolean
  /** A service that it depends on comes first. */
  readonly isWaiting: boolean
}

export interface Situation {
  readonly instances: readonly FleetInstance[]
  /** How many thousandths of the requests lane b gets. */
  readonly split: number
  readonly rollout?: RolloutPosition
  /** What the fleet ran before, kept ready for a way back. */
  readonly warm?: VersionId
  /** An earlier version that is tried aside. */
  readonly rehearsed?: VersionId
}

const nothingThere: Situation = { instances: [], split: 0 }

export function fleetTarget(service: ServiceRelease, situation: Situation = nothingThere): FleetTarget {
  const { rollout } = situation
  if (rollout?.isWaiting) return waitingTarget(service, rollout, situation)
  const stages = rollout && stagesOf(service, rollout.isSwitch)
  if (stages && rollout.from && rollout.from.version !== service.version)
    return stagedTarget(service, rollout.from, stages, rollout, situation)
  if (rollout?.isPaused && rollout.from) return pausedTarget(service, rollout.from, situation)
  const main = mainGroup(service, situation)
  return { ...basics(service), groups: [main, ...beside(main, situation)], share: wholeShare(main, service) }
}

/** The target of a fleet that is to end; `drainMs` is that of the service while it lived. */
export function endedTarget(drainMs: number): FleetTarget {
  const share = { lane: 'a', thousandths: 0, needs: Infinity, isExclusive: false, held: allRequests } as const
  return { version: null, replicas: 0, groups: [], surge: 0, floor: 0, routed: true, drainMs, isApart: false, share }
}

function basics(service: ServiceRelease): Omit<FleetTarget, 'groups' | 'share'> {
  const { replicas, rollout, standby = 0 } = service
  return {
    version: service.version,
    replicas,
    surge: Math.max(0, resolveQuantity(rollout.maxSurge, replicas, 'up') - standby),
    floor: floorOf(service),
    routed: service.routes.length > 0,
    drainMs: service.drainMs,
    isApart: rollout.strategy === 'recreate',
  }
}

function floorOf({ replicas, rollout }: ServiceRelease): number {
  return Math.max(0, replicas - resolveQuantity(rollout.maxUnavailable, replicas, 'down'))
}

function mainGroup(service: ServiceRelease, situation: Situation): Group {
  const { version, replicas } = service
  const lane = laneOf(version, situation) ?? mainLane(situation.split)
  return { version, lane, count: wholeOf(service), routed: replicas, isKeptWhole: true }
}

/** With those that stand by; where none serves, none does. */
function wholeOf({ replicas, standby = 0 }: ServiceRelease): number {
  return replicas > 0 ? replicas + standby : 0
}

/** What runs beside the version that is released, and is not made anew when it dies. */
function beside(main: Group, { instances, warm, rehearsed }: Situation): readonly Group[] {
  const lane = otherLane(main.lane)
  const count = instances.filter((each) => each.version === warm && !each.condemned && !isLeaving(each)).length
  return [
    ...(warm !== undefined && warm !== main.version && count > 0
      ? [{ version: warm, lane, count, routed: count, isKeptWhole: false }]
      : []),
    ...(rehearsed !== undefined && rehearsed !== main.version && rehearsed !== warm
      ? [{ version: rehearsed, lane, count: 1, routed: 0, isKeptWhole: true }]
      : []),
  ]
}

/** All requests go to the lane of `group`, as soon as it could bear them. */
function wholeShare({ lane }: Group, service: ServiceRelease): TrafficShare {
  const needs = Math.max(1, floorOf(service))
  return { lane, thousandths: allRequests, needs, isExclusive: false, held: allRequests }
}

/** While what it depends on is rolled out, a fleet stays as it was. */
function waitingTarget(service: ServiceRelease, { from }: RolloutPosition, situation: Situation): FleetTarget {
  const { rollout: _rollout, ...rest } = situation
  if (from) return fleetTarget(from, rest)
  return { ...endedTarget(service.drainMs), version: service.version, replicas: service.replicas }
}

function stagedTarget(
  service: ServiceRelease,
  from: ServiceRelease,
  stages: readonly Stage[],
  { stage: index, isPaused }: RolloutPosition,
  situation: Situation,
): FleetTarget {
  const stage = stages[Math.min(index, stages.length - 1)]!
  const isLast = stage.share === allRequests
  const old = { ...mainGroup(from, situation), lane: laneLeft(from, service, situation) }
  const hadNone = from.replicas === 0
  // Where only strangers serve, they can go once the floor is reached without them.
  const isAmongStrangers = hadNone && situation.instances.some((each) => isStranger(each, [service, from]))
  const routed = isAmongStrangers ? Math.max(stage.count, floorOf(service)) : stage.count
  const fresh: Group = {
    version: service.version,
    lane: otherLane(old.lane),
    count: routed + (isLast ? (service.standby ?? 0) : 0),
    routed,
    isKeptWhole: true,
  }
  return {
    ...basics(service),
    // Of a fleet that had none, nothing can be asked; what serves in its place stays until another does.
    floor: hadNone ? floorOf(service) : Math.min(floorOf(service), floorOf(from)),
    isApart: false,
    groups: [old, fresh],
    share: {
      lane: fresh.lane,
      thousandths: stage.share,
      needs: isPaused ? Infinity : stage.count,
      isExclusive: true,
      held: (isPaused ? stage : stages[index - 1])?.share ?? 0,
    },
  }
}

function isStranger(instance: FleetInstance, known: readonly ServiceRelease[]): boolean {
  return isRouted(instance) && !isLeaving(instance) && known.every(({ version }) => version !== instance.version)
}

/** As it is: what either version has now is kept whole, and nothing moves between them. */
function pausedTarget(service: ServiceRelease, from: ServiceRelease, situation: Situation): FleetTarget {
  const { instances } = situation
  const staying = instances.filter(isStaying)
  const former = staying.filter(({ version }) => version === from.version)
  const old = former.length
  const target = fleetTarget(service, { instances, split: situation.split })
  const [main] = target.groups
  if (!main || from.version === service.version || old === 0) return target
  if (target.isApart) return { ...fleetTarget(from, { instances, split: situation.split }), version: service.version }
  const fresh = staying.filter(({ version }) => version === service.version).length
  const kept = Math.min(wholeOf(from), Math.max(old, service.replicas - fresh))
  // One that stood by and has stepped in goes on serving.
  const serving = Math.max(from.replicas, former.filter(isRouted).length)
  return {
    ...target,
    groups: [
      { ...main, version: from.version, count: kept, routed: Math.min(kept, serving) },
      { ...main, count: fresh, routed: Math.min(fresh, service.replicas) },
    ],
  }
}

/** One that another is to take the place of is not counted: it would be made up for in every pass anew. */
function isStaying(instance: FleetInstance): boolean {
  const { phase, health, condemned, intact } = instance
  return phase !== 'exited' && health !== 'unhealthy' && !condemned && intact && !isLeaving(instance)
}

/** The lane that requests leave: it stays the same one also where nothing is left of what the fleet had. */
function laneLeft(from: ServiceRelease, service: ServiceRelease, situation: Situation): Lane {
  const fresh = laneOf(service.version, situation)
  return laneOf(from.version, situation) ?? (fresh ? otherLane(fresh) : mainLane(situation.split))
}

/** Where the router has most of the instances of `version`; undefined where it has none. */
function laneOf(version: VersionId, { instances }: Situation): Lane | undefined {
  const lanes = instances.filter((each) => each.version === version && isRouted(each)).map(({ lane }) => lane)
  if (lanes.length === 0) return undefined
  return lanes.filter((lane) => lane === 'b').length * 2 > lanes.length ? 'b' : 'a'
}
