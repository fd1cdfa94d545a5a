/** An aborted rollout ends whole on the version that there was: what still runs of it is kept, and not made anew. */
import { fleetName, scopeName } from '../../../src/model/stack.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import type { Call } from '../seams.ts'
import { isFit, readyIn, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import type { Past } from './past.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

export class AbortMonitor implements Monitor {
  /** By fleet: the survivors, and how many of them have to stay. */
  readonly #survivors = new Map<string, { readonly names: Set<string>; readonly atLeast: number }>()
  readonly #condemned = new Set<string>()
  readonly #past: Past

  constructor(past: Past) {
    this.#past = past
  }

  /** A clean instance was asked for in its place. */
  condemn(instance: string): void {
    this.#condemned.add(instance)
    this.#release(instance)
  }

  onDecision({ decision, release }: ReleaseRecord, truth: WorldTruth): void {
    for (const fleet of truth.fleets) {
      if (scopeName(fleet.key) !== scopeName(release)) continue
      this.#survivors.delete(fleetName(fleet.key))
      if (decision === 'abort') this.#keep(fleet, truth)
    }
  }

  onDisturbance(disturbance: Disturbance): void {
    if (disturbance.kind === 'instance') this.#release(disturbance.instance)
    if (disturbance.kind === 'all') this.#survivors.clear()
  }

  /** Judged when it is let go, which is before it is destroyed: what befalls others meanwhile was not known then. */
  onCall({ verb, subject }: Call): void {
    if (verb !== 'remove' && verb !== 'destroy') return
    for (const [fleet, { names, atLeast }] of this.#survivors)
      if (names.delete(subject) && names.size < atLeast)
        throw new ViolationError(
          'aborted ends whole',
          `${subject} survived the aborted rollout of ${fleet} and is let go`,
        )
  }

  onStep({ fleets }: WorldTruth): void {
    if (this.#survivors.size === 0) return
    for (const { instances } of fleets)
      for (const instance of instances) if (!isFit(instance)) this.#release(instance.order.name)
  }

  /** One that faltered and serves again may be kept or given up: it counts, and is not asked for. */
  #keep(fleet: FleetTruth, { leaving }: WorldTruth): void {
    const { key, wanted } = fleet
    const survivors = readyIn(fleet, leaving).filter(
      ({ order }) => order.version === wanted?.version && !this.#condemned.has(order.name),
    )
    const steady = survivors.filter((instance) => !this.#past.hasFaltered(instance))
    this.#survivors.set(fleetName(key), {
      names: new Set(survivors.map(({ order }) => order.name)),
      atLeast: Math.min(steady.length, wanted?.replicas ?? 0),
    })
  }

  #release(instance: string): void {
    for (const [fleet, { names, atLeast }] of this.#survivors)
      if (names.delete(instance)) this.#survivors.set(fleet, { names, atLeast: Math.min(atLeast, names.size) })
  }
}
