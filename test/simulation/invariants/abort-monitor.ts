/** An aborted rollout ends whole on the version that there was: what still runs of it is kept, and not made anew. */
import { fleetName, scopeName } from '../../../src/model/stack.ts'
import type { Decree } from '../decided.ts'
import type { Call } from '../seams.ts'
import { isFit, readyIn, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import type { Past } from './past.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

interface Survivors {
  readonly names: Set<string>
  /** Those of which nothing ever was in doubt. */
  readonly steady: Set<string>
  /** So many of the survivors have to stay. */
  atLeast: number
}

export class AbortMonitor implements Monitor {
  readonly #survivors = new Map<string, Survivors>()
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

  onDecision({ decision, release, aborted }: Decree, truth: WorldTruth): void {
    for (const { service, from } of aborted)
      if ((release.services[service]?.version ?? null) !== from)
        throw new ViolationError(
          'aborted ends whole',
          `${scopeName(release)}/${service} is not put back to what it had`,
        )
    for (const fleet of truth.fleets) {
      if (scopeName(fleet.key) !== scopeName(release)) continue
      this.#survivors.delete(fleetName(fleet.key))
      if (decision === 'abort') this.#keep(fleet, truth)
    }
  }

  onDisturbance(disturbance: Disturbance): void {
    if (disturbance.kind === 'instance' || disturbance.kind === 'doubt') this.#release(disturbance.instance)
    if (disturbance.kind === 'all') this.#survivors.clear()
  }

  /** Judged when it is let go, which is before it is destroyed: what befalls others meanwhile was not known then. */
  onCall({ verb, subject }: Call): void {
    if (verb !== 'remove' && verb !== 'destroy') return
    for (const [fleet, { names, steady, atLeast }] of this.#survivors) {
      steady.delete(subject)
      if (names.delete(subject) && names.size < atLeast)
        throw new ViolationError(
          'aborted ends whole',
          `${subject} survived the aborted rollout of ${fleet} and is let go`,
        )
    }
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
      steady: new Set(steady.map(({ order }) => order.name)),
      atLeast: Math.min(steady.length, wanted?.replicas ?? 0),
    })
  }

  #release(instance: string): void {
    for (const survivors of this.#survivors.values()) {
      survivors.names.delete(instance)
      survivors.steady.delete(instance)
      survivors.atLeast = Math.min(survivors.atLeast, survivors.steady.size)
    }
  }
}
