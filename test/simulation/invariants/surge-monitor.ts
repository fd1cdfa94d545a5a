/** A fleet never has more instances at work than its replicas and its surge; those that end or are sick don't count. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import { fleetName, scopeName } from '../../../src/model/stack.ts'
import type { RouterServer } from '../../../src/router/router.ts'
import { mainLane } from '../../../src/plan/fleet.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import type { Rollout } from '../decided.ts'
import type { Call } from '../seams.ts'
import { ceilingOf, isStaged, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

/** What was decided or lost so long ago is known to whoever makes instances now. */
const unseenMs = 1_100
const oneLookMs = 10

export class SurgeMonitor implements Monitor {
  readonly #past: Past
  readonly #changedAtMs = new Map<string, number>()
  /** When each instance was asked for: what was decided since then, it can't be held to. */
  readonly #askedAtMs = new Map<string, number>()
  /** When each was told to leave, again and again if need be: that it failed is not known at the same instant. */
  readonly #letGoAtMs = new Map<string, readonly number[]>()
  #disturbedAtMs = -Infinity

  constructor(past: Past) {
    this.#past = past
  }

  onDecision({ release }: ReleaseRecord, { nowMs }: WorldTruth): void {
    this.#changedAtMs.set(scopeName(release), nowMs)
  }

  onRolloutChange({ record }: Rollout, _after: Rollout, { nowMs }: WorldTruth): void {
    this.#changedAtMs.set(scopeName(record), nowMs)
  }

  onDisturbance(disturbance: Disturbance, { nowMs }: WorldTruth): void {
    if (disturbance.kind === 'all' || disturbance.kind === 'controller') this.#disturbedAtMs = nowMs
  }

  onCall({ on, verb, subject, entry }: Call, { nowMs }: WorldTruth): void {
    if (on === 'engine' && verb === 'create') this.#askedAtMs.set(subject, nowMs)
    if (verb === 'remove' || verb === 'destroy') this.#letGo(subject, nowMs)
    // On a slow disk, what comes after that may come before it.
    if (entry?.instance && ['unroute.intent', 'destroy.intent'].includes(entry.kind)) this.#letGo(entry.instance, nowMs)
  }

  onCreated({ order }: MemoryInstance, truth: WorldTruth): void {
    const name = fleetName(order)
    const fleet = truth.fleets.find(({ key }) => fleetName(key) === name)
    const changedAtMs = Math.max(this.#changedAtMs.get(scopeName(order)) ?? -Infinity, this.#disturbedAtMs)
    const askedAtMs = this.#askedAtMs.get(order.name) ?? truth.nowMs
    const latenessMs = this.#past.latenessMs(askedAtMs)
    if (!fleet || askedAtMs - changedAtMs < unseenMs + latenessMs) return
    // Where versions must not overlap, the next one is made while the other one still runs, and started after it.
    const isApart = fleet.wanted?.rollout.strategy === 'recreate'
    const working = fleet.instances.filter(
      (instance) =>
        (!isApart || instance.order.version === order.version) &&
        this.#isWorking(instance, fleet, truth) &&
        !this.#wasLetGo(instance, askedAtMs, oneLookMs + latenessMs),
    )
    if (working.length > ceilingOf(fleet))
      throw new ViolationError(
        'surge',
        `${name} has ${working.length} instances, where ${ceilingOf(fleet)} is the most`,
      )
  }

  #letGo(instance: string, nowMs: number): void {
    this.#letGoAtMs.set(instance, [...(this.#letGoAtMs.get(instance) ?? []), nowMs])
  }

  #wasLetGo({ order }: MemoryInstance, askedAtMs: number, withinMs: number): boolean {
    const times = this.#letGoAtMs.get(order.name) ?? []
    return times.some((letGoAtMs) => Math.abs(askedAtMs - letGoAtMs) <= withinMs)
  }

  #isWorking(instance: MemoryInstance, fleet: FleetTruth, { leaving }: WorldTruth): boolean {
    const { servers, replaced } = fleet
    const { process, order, behaviour } = instance
    if (
      order.version === replaced ||
      behaviour.cannotRun ||
      process?.exit ||
      process?.terminated ||
      leaving.has(order.name) ||
      this.#past.hasFaltered(instance)
    )
      return false
    const server = servers.find((each) => each.instance === order.name)
    if (server && isBeingLeft(instance, server, fleet)) return false
    // Once it has been in rotation and is not any more, it is on its way out.
    return server ? server.state !== 'draining' : !this.#past.wasRouted(instance)
  }
}

/**
 * In the lane that requests leave for that of the version that is wanted, which has room beside it. Where the router has
 * none of that yet, it goes to the lane that has most of the requests, unless traffic moves by shares.
 */
function isBeingLeft({ order }: MemoryInstance, { lane }: RouterServer, fleet: FleetTruth): boolean {
  const { wanted, rollout, instances, servers, split } = fleet
  if (order.version === wanted?.version) return false
  const moves = rollout !== undefined && isStaged(rollout)
  if (moves && order.version === rollout.from?.version && rollout.from.replicas > 0) return false
  const own = new Set(instances.filter((each) => each.order.version === wanted?.version).map((each) => each.order.name))
  const there = servers.filter(({ instance }) => own.has(instance))
  if (there.length === 0) return moves || lane !== mainLane(split)
  return there.every((server) => server.lane !== lane)
}
