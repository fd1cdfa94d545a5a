/**
 * Traffic moves as its stages say: a new version never gets more than the share of the present one, and that only once
 * what the stage wants is there; what was taken back gets nothing once the router has confirmed it.
 */
import type { MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import { poolName, type Lane } from '../../../src/router/router.ts'
import { fleetName } from '../../../src/model/stack.ts'
import { stagesOf } from '../../../src/rollout/stages.ts'
import type { Rollout } from '../decided.ts'
import { floorOf, isFit, isStaged, shareOf, stageOf, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

export class StageMonitor implements Monitor {
  readonly #machine: MemoryMachine
  readonly #past: Past
  /** The rollouts that were taken back and that the router has been told of, by id. */
  readonly #confirmed = new Set<number>()

  constructor(machine: MemoryMachine, past: Past) {
    this.#machine = machine
    this.#past = past
  }

  onRolloutChange({ record: before }: Rollout, after: Rollout): void {
    const { stage = 0, state } = after.record
    const [earlier, isPaused] = [before.stage ?? 0, before.pausedAtMs !== undefined]
    const name = fleetName(before)
    if (stage !== earlier && stage !== earlier + 1)
      throw new ViolationError('shares as staged', `the rollout of ${name} goes from stage ${earlier} to ${stage}`)
    if (isPaused && (stage !== earlier || state === 'succeeded'))
      throw new ViolationError('paused stays', `the rollout of ${name} goes on, and it is paused`)
    const stages = isStaged(after) ? stagesOf(after.service, before.isSwitch === true) : undefined
    if (state === 'succeeded' && stages && stage < stages.length - 1)
      throw new ViolationError('shares as staged', `the rollout of ${name} has succeeded at stage ${stage}`)
  }

  onCall({ on, verb, subject, toB }: Call, truth: WorldTruth): void {
    if (on !== 'router' || verb !== 'split' || toB === undefined) return
    const fleet = truth.fleets.find(({ key }) => poolName(key) === subject)
    if (fleet?.rollout && isStaged(fleet.rollout) && this.#past.isSettled(fleet.key, truth.nowMs))
      this.#judgeSplit(fleet, fleet.rollout, toB, truth)
  }

  onCallEnd({ on, verb, subject }: Call, outcome: 'done' | 'failed', truth: WorldTruth): void {
    if (on !== 'router' || verb !== 'split' || outcome === 'failed') return
    const fleet = truth.fleets.find(({ key }) => poolName(key) === subject)
    if (fleet?.aborted && this.#isLeft(fleet, fleet.aborted)) this.#confirmed.add(fleet.aborted.record.id)
  }

  onRequest(pool: string, session: MemorySession | undefined, { fleets }: WorldTruth): void {
    const fleet = session && fleets.find(({ key }) => poolName(key) === pool)
    if (!fleet || !session) return
    const version = this.#machine.holder(session.address)?.order.version
    const { rollout, aborted } = fleet
    if (rollout && version === rollout.service.version && isStaged(rollout)) this.#judgeShare(fleet, rollout, session)
    if (aborted && version === aborted.service.version && this.#confirmed.has(aborted.record.id) && isServed(fleet))
      throw new ViolationError(
        'shares as staged',
        `a request reached ${session.instance}, whose version was taken back`,
      )
  }

  /** A lane without any server that is up gives its requests to the other one. */
  #judgeShare(fleet: FleetTruth, rollout: Rollout, { lane, instance }: MemorySession): void {
    const [share, most] = [shareOf(fleet, lane), stageOf(rollout)?.share ?? 0]
    if (share <= most || fleet.isWaiting || !hasOther(fleet, lane)) return
    throw new ViolationError(
      'shares as staged',
      `${instance} gets ${share} ‰ of the requests, where ${most} is the most`,
    )
  }

  #judgeSplit(fleet: FleetTruth, rollout: Rollout, toB: number, { nowMs }: WorldTruth): void {
    const [lane, stage] = [laneOf(rollout.service.version, fleet), stageOf(rollout)]
    const stages = stagesOf(rollout.service, rollout.record.isSwitch === true) ?? []
    if (!lane || !stage) return
    const [has, gets] = [shareOf(fleet, lane), shareOf({ split: toB }, lane)]
    if (gets <= has) return
    const name = fleetName(fleet.key)
    if (fleet.isWaiting)
      throw new ViolationError('dependencies first', `requests of ${name} move before what it depends on is rolled out`)
    if (rollout.record.pausedAtMs !== undefined)
      throw new ViolationError('paused stays', `requests of ${name} move while its rollout is paused`)
    if (gets > stage.share)
      throw new ViolationError('shares as staged', `${name} is to get ${gets} ‰, where ${stage.share} is the most`)
    const there = this.#preparedIn(fleet, rollout.service.version, lane)
    const needed = stages.find(({ share }) => gets <= share)?.count ?? 0
    if (there < needed && this.#past.isUnharmed(nowMs))
      throw new ViolationError(
        'shares as staged',
        `${name} is to get ${gets} ‰ with ${there} instances ready, where ${needed} are needed`,
      )
  }

  #preparedIn({ instances, servers }: FleetTruth, version: string, lane: Lane): number {
    const names = new Set(
      servers.filter((server) => server.lane === lane && server.state !== 'draining').map(({ instance }) => instance),
    )
    const there = instances.filter(({ order }) => order.version === version && names.has(order.name))
    return there.filter((instance) => isFit(instance) || this.#past.hasFaltered(instance)).length
  }

  /** Whether the router gives nothing to the lane of what was taken back. */
  #isLeft(fleet: FleetTruth, { service }: Rollout): boolean {
    const lane = laneOf(service.version, fleet)
    return lane !== undefined && shareOf(fleet, lane) === 0
  }
}

/** Where the router has most of the instances of a version. */
function laneOf(version: string, { instances, servers }: FleetTruth): Lane | undefined {
  const names = new Set(instances.filter(({ order }) => order.version === version).map(({ order }) => order.name))
  const lanes = servers.filter(({ instance, state }) => names.has(instance) && state !== 'draining')
  if (lanes.length === 0) return undefined
  return lanes.filter(({ lane }) => lane === 'b').length * 2 > lanes.length ? 'b' : 'a'
}

/** Whether the other lane has anyone who could have had the request. */
function hasOther({ servers }: FleetTruth, lane: Lane): boolean {
  return servers.some((server) => server.lane !== lane && server.state === 'in')
}

/** Whether instances of the version that is wanted could have had the request, as many as there have to be. */
function isServed(fleet: FleetTruth): boolean {
  const { wanted, instances, servers, split } = fleet
  const names = new Set(
    instances.filter(({ order }) => order.version === wanted?.version).map(({ order }) => order.name),
  )
  const serving = servers.filter(
    ({ instance, state, lane }) => names.has(instance) && state === 'in' && shareOf({ split }, lane) > 0,
  )
  return serving.length >= Math.max(1, floorOf(fleet))
}
