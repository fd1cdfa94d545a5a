/** What stands by gets no requests while enough others do, and steps in when one of them is lost. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import { fleetName } from '../../../src/model/stack.ts'
import { isFit, isStaged, readyIn, stageOf, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import { fleetOf, isOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

/** Within this time at most one steps in while nothing else goes wrong: of a retry that is due, say. */
const stepInMs = 20_000

export class StandbyMonitor implements Monitor {
  readonly #past: Past
  /** Since when each fleet lacks one that could step in. */
  readonly #lackingSinceMs = new Map<string, number>()

  constructor(past: Past) {
    this.#past = past
  }

  onCall({ on, verb, subject }: Call, truth: WorldTruth): void {
    if (on !== 'router' || verb !== 'add') return
    const fleet = fleetOf(subject, truth.fleets)
    if (!fleet || !this.#past.isSettled(fleet.key, truth.nowMs) || !this.#past.isUnharmed(truth.nowMs)) return
    // One that was to be replaced since it was meant to serve has another in its place already.
    if (fleet.instances.some((each) => each.order.name === subject && this.#past.isCondemned(each, fleet, truth.nowMs)))
      return
    const others = this.#servingBeside(subject, fleet, truth)
    const most = mostRouted(subject, fleet)
    if (most !== undefined && others.length >= most)
      throw new ViolationError('standby stands by', `${subject} is to serve beside ${others.length}, where ${most} do`)
  }

  onStep(truth: WorldTruth): void {
    for (const fleet of truth.fleets) this.#check(fleet, truth)
  }

  #check(fleet: FleetTruth, truth: WorldTruth): void {
    const name = fleetName(fleet.key)
    const { nowMs } = truth
    if (!this.#lacksOne(fleet, truth)) return void this.#lackingSinceMs.delete(name)
    const sinceMs = this.#lackingSinceMs.get(name) ?? nowMs
    this.#lackingSinceMs.set(name, sinceMs)
    if (Math.min(nowMs - sinceMs, this.#past.calmMs(nowMs)) > stepInMs + this.#past.latenessMs(nowMs))
      throw new ViolationError('standby stands by', `${name} lacks one that serves, and one stands by`)
  }

  #lacksOne(fleet: FleetTruth, { leaving, nowMs }: WorldTruth): boolean {
    const { wanted, rollout, instances, servers } = fleet
    if (!wanted || rollout || !wanted.standby || wanted.routes.length === 0) return false
    if (readyIn(fleet, leaving).length >= wanted.replicas) return false
    const routed = new Set(servers.map(({ instance }) => instance))
    return instances.some(
      (instance) =>
        instance.order.version === wanted.version &&
        isFit(instance) &&
        !routed.has(instance.order.name) &&
        !leaving.has(instance.order.name) &&
        !this.#past.isCondemned(instance, fleet, nowMs) &&
        this.#past.isProven(instance, nowMs),
    )
  }

  /** Those of its version that surely serve, or would. */
  #servingBeside(subject: string, fleet: FleetTruth, { leaving, nowMs }: WorldTruth): readonly MemoryInstance[] {
    const { key, instances, servers } = fleet
    const routed = new Set(servers.filter(({ state }) => state === 'in').map(({ instance }) => instance))
    return instances.filter(
      (instance) =>
        instance.order.name !== subject &&
        isOf(subject, key, instance.order.version) &&
        routed.has(instance.order.name) &&
        isFit(instance) &&
        !leaving.has(instance.order.name) &&
        !this.#past.isCondemned(instance, fleet, nowMs) &&
        !this.#past.hasFaltered(instance),
    )
  }
}

/** How many of its version serve at most; undefined where that is not said. */
function mostRouted(subject: string, { key, wanted, rollout, isWaiting }: FleetTruth): number | undefined {
  if (rollout?.record.pausedAtMs !== undefined) return undefined
  const isOld = isOf(subject, key, rollout?.from?.version)
  // What is left of a fleet that had none may serve until another does.
  if (isOld && rollout?.from?.replicas === 0) return undefined
  if (rollout && isStaged(rollout) && !isWaiting) return isOld ? rollout.from?.replicas : stageOf(rollout)?.count
  if (isWaiting) return isOld ? rollout?.from?.replicas : undefined
  return isOf(subject, key, wanted?.version) ? wanted?.replicas : undefined
}
