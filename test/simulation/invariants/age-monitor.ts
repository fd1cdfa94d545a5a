/** Promise 5: while nothing goes wrong, no instance becomes older than it may. */
import { defaultLifetime, fleetName } from '../../../src/model/stack.ts'
import { becomesHealthy } from '../catalogue.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

/** Until a replacement serves, and the one that is replaced has drained. */
const graceMs = 30_000

export class AgeMonitor implements Monitor {
  readonly #past: Past

  constructor(past: Past) {
    this.#past = past
  }

  onStep({ fleets, nowMs }: WorldTruth): void {
    for (const { key, wanted, instances, rollout, isRefused } of fleets) {
      if (!wanted || rollout || isRefused || !becomesHealthy(key.service, wanted.imageName)) continue
      const mostMs = (wanted.lifetime ?? defaultLifetime).maxMs + wanted.drainMs + graceMs
      const old = instances.find(({ createdAtMs }) => nowMs - createdAtMs > mostMs)
      if (old && this.#past.calmMs(nowMs) > mostMs)
        throw new ViolationError(
          'nothing grows old',
          `${old.order.name} of ${fleetName(key)} is ${nowMs - old.createdAtMs} ms old`,
        )
    }
  }
}
