/** A fleet never has more instances at work than its replicas and its surge; those that end or are sick don't count. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import { fleetName, scopeName } from '../../../src/model/stack.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import { ceilingOf, isFit, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

/** What was decided or lost so long ago is known to whoever makes instances now. */
const unseenMs = 1_500

export class SurgeMonitor implements Monitor {
  readonly #changedAtMs = new Map<string, number>()
  /** Instances that have been fit. */
  readonly #wereFit = new WeakSet<MemoryInstance>()
  /** Instances that have been fit and then were not, or never became it: the controller may have given them up. */
  readonly #givenUp = new WeakSet<MemoryInstance>()
  #excusedUntilMs = 0

  onDecision({ release }: ReleaseRecord, { nowMs }: WorldTruth): void {
    this.#changedAtMs.set(scopeName(release), nowMs)
  }

  onDisturbance(disturbance: Disturbance, { nowMs }: WorldTruth): void {
    if (disturbance.kind !== 'instance') this.#excusedUntilMs = nowMs + unseenMs
  }

  onStep({ fleets, nowMs }: WorldTruth): void {
    for (const { instances, wanted } of fleets)
      for (const instance of instances) this.#note(instance, nowMs, wanted?.rollout.deadlineMs ?? 0)
  }

  onCreated({ order }: MemoryInstance, truth: WorldTruth): void {
    this.onStep(truth)
    const name = fleetName(order)
    const fleet = truth.fleets.find(({ key }) => fleetName(key) === name)
    const changedAtMs = this.#changedAtMs.get(scopeName(order)) ?? 0
    if (!fleet || truth.nowMs <= this.#excusedUntilMs || truth.nowMs - changedAtMs < unseenMs) return
    const working = this.#working(fleet, truth)
    if (working.length > ceilingOf(fleet))
      throw new ViolationError(
        'surge',
        `${name} has ${working.length} instances, where ${ceilingOf(fleet)} is the most`,
      )
  }

  #working({ instances, servers }: FleetTruth, { leaving }: WorldTruth): readonly MemoryInstance[] {
    const draining = new Set(servers.filter(({ state }) => state === 'draining').map(({ instance }) => instance))
    return instances
      .filter(
        ({ order, process }) =>
          !process?.exit && !process?.terminated && !leaving.has(order.name) && !draining.has(order.name),
      )
      .filter((instance) => !this.#givenUp.has(instance))
  }

  #note(instance: MemoryInstance, nowMs: number, startLimitMs: number): void {
    if (isFit(instance)) return void this.#wereFit.add(instance)
    const startedAtMs = instance.process?.startedAtMs ?? instance.createdAtMs
    if (this.#wereFit.has(instance) || nowMs - startedAtMs >= startLimitMs) this.#givenUp.add(instance)
  }
}
