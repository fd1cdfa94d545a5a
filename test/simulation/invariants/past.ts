/** What instances have shown so far, which tells what a controller may think of them now. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import { isFit, type WorldTruth } from '../fleet-truth.ts'

const provenAfterMs = 4_000

export class Past {
  /** Since when. */
  readonly #wereFit = new WeakMap<MemoryInstance, number>()
  readonly #faltered = new WeakSet<MemoryInstance>()
  readonly #wereRouted = new WeakSet<MemoryInstance>()

  note({ fleets, nowMs }: WorldTruth): void {
    for (const { instances, servers, wanted } of fleets)
      for (const instance of instances) {
        if (servers.some((server) => server.instance === instance.order.name)) this.#wereRouted.add(instance)
        this.#noteFitness(instance, nowMs, wanted?.rollout.deadlineMs ?? 0)
      }
  }

  wasFit(instance: MemoryInstance): boolean {
    return this.#wereFit.has(instance)
  }

  /** Was fit and then was not, or never became it: a controller may have given it up. */
  hasFaltered(instance: MemoryInstance): boolean {
    return this.#faltered.has(instance)
  }

  /** Is seen to be good for so long that a controller, too, must have seen it: in rotation, or by its probes. */
  isProven(instance: MemoryInstance, nowMs: number): boolean {
    if (this.#faltered.has(instance)) return false
    const fitSinceMs = this.#wereFit.get(instance) ?? Infinity
    return this.#wereRouted.has(instance) || nowMs - fitSinceMs >= provenAfterMs
  }

  wasRouted(instance: MemoryInstance): boolean {
    return this.#wereRouted.has(instance)
  }

  #noteFitness(instance: MemoryInstance, nowMs: number, startLimitMs: number): void {
    if (isFit(instance) && !this.#wereFit.has(instance)) this.#wereFit.set(instance, nowMs)
    if (isFit(instance) || instance.process?.terminated) return
    const startedAtMs = instance.process?.startedAtMs ?? instance.createdAtMs
    if (this.#wereFit.has(instance) || nowMs - startedAtMs >= startLimitMs) this.#faltered.add(instance)
  }
}
