/** An aborted rollout ends whole on the version that there was: what still runs of it is kept, and not made anew. */
import { own } from '../../../src/model/own.ts'
import { isSameService, type Release } from '../../../src/model/release.ts'
import { fleetName, scopeName } from '../../../src/model/stack.ts'
import type { Decided, Decree, Rollout } from '../decided.ts'
import type { Call } from '../seams.ts'
import { isFit, routedIn, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
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
  readonly #past: Past
  readonly #decided: Pick<Decided, 'history' | 'newest' | 'isRefused'>

  constructor(past: Past, decided: Pick<Decided, 'history' | 'newest' | 'isRefused'>) {
    this.#past = past
    this.#decided = decided
  }

  /** A clean instance was asked for in its place. */
  condemn(instance: string): void {
    this.#unsettle(instance)
  }

  onDecision(decree: Decree, truth: WorldTruth): void {
    const { decision, release } = decree
    if (decision === 'abort') this.#judge(decree)
    for (const fleet of truth.fleets) {
      if (scopeName(fleet.key) !== scopeName(release)) continue
      this.#survivors.delete(fleetName(fleet.key))
      if (decision === 'abort') this.#keep(fleet, truth)
    }
  }

  onDisturbance(disturbance: Disturbance): void {
    if (disturbance.kind === 'instance') this.#release(disturbance.instance)
    if (disturbance.kind === 'doubt') this.#unsettle(disturbance.instance)
    if (disturbance.kind === 'all') this.#survivors.clear()
  }

  /** Judged when it is let go, which is before it is destroyed: what befalls others meanwhile was not known then. */
  onCall({ verb, subject }: Call, truth: WorldTruth): void {
    if (verb !== 'remove' && verb !== 'destroy') return
    this.onStep(truth)
    for (const [fleet, { names, steady, atLeast }] of this.#survivors) {
      steady.delete(subject)
      if (names.delete(subject) && names.size < atLeast)
        throw new ViolationError(
          'aborted ends whole',
          `${subject} survived the aborted rollout of ${fleet} and is let go`,
        )
    }
  }

  onStep({ fleets, nowMs }: WorldTruth): void {
    if (this.#survivors.size === 0) return
    for (const fleet of fleets)
      for (const instance of fleet.instances) {
        if (instance.isTouched || this.#past.isCondemned(instance, fleet, nowMs)) this.#unsettle(instance.order.name)
        else if (!isFit(instance)) this.#unsettle(instance.order.name)
        if (!instance.process || instance.process.exit) this.#release(instance.order.name)
      }
  }

  /** Each service of the decision is as it was before, and each other one as it is. */
  #judge({ release, before, ...decree }: Decree): void {
    const failed = failedOf(decree)
    if (!before || !failed) return
    const due = this.#dueAfter(before, failed)
    const names = Object.keys({ ...due, ...release.services, ...before.services })
    for (const name of names.filter((each) => !this.#isRefused(release, each, due)))
      if (!isSameService(own(due, name), own(release.services, name)))
        throw new ViolationError('aborted ends whole', `${scopeName(release)}/${name} is not put back to what it had`)
  }

  /** What it had must not run any more: something else may take its place. */
  #isRefused(scope: Release, service: string, due: Release['services']): boolean {
    const released = own(due, service)
    return released !== undefined && this.#decided.isRefused({ ...scope, service }, released)
  }

  #dueAfter(before: Release, { record, from }: Rollout): Release['services'] {
    const services = { ...before.services }
    const put = (name: string, service: Release['services'][string] | undefined) => {
      if (service) services[name] = service
      else delete services[name]
    }
    put(record.service, from)
    if (before.rollback === 'service') return services
    for (const service of Object.keys(before.services)) {
      const together = this.#decided.newest({ ...record, service })
      const state = together?.record.state
      if (together?.record.sequence === record.sequence && (state === 'succeeded' || state === 'aborted'))
        put(service, together.from)
    }
    for (const [name, service] of this.#droppedBy(record.sequence, before))
      if (!own(before.services, name)) put(name, service)
    return services
  }

  /** What the decision of that sequence number did away with. */
  #droppedBy(sequence: number, scope: Release): readonly (readonly [string, Release['services'][string]])[] {
    const history = this.#decided.history(scope)
    const index = history.findIndex((record) => record.sequence === sequence)
    const [earlier, then] = [history[index - 1], history[index]]
    return Object.entries(earlier?.release.services ?? {}).filter(([name]) => !own(then?.release.services, name))
  }

  /** One that faltered and serves again may be kept or given up: it counts, and is not asked for. */
  #keep(fleet: FleetTruth, { leaving, nowMs }: WorldTruth): void {
    const { key, wanted, instances, servers } = fleet
    const routed = new Set(servers.filter(({ state }) => state !== 'draining').map(({ instance }) => instance))
    const survivors = instances.filter(
      ({ order, process }) =>
        order.version === wanted?.version &&
        process !== undefined &&
        !process.exit &&
        !leaving.has(order.name) &&
        (routed.has(order.name) || wanted.routes.length === 0),
    )
    const steady = routedIn(fleet, leaving).filter(
      (instance) =>
        survivors.includes(instance) &&
        !this.#past.hasFaltered(instance) &&
        !this.#past.isCondemned(instance, fleet, nowMs) &&
        !this.#past.wasLetGo(instance),
    )
    this.#survivors.set(fleetName(key), {
      names: new Set(survivors.map(({ order }) => order.name)),
      steady: new Set(steady.map(({ order }) => order.name)),
      atLeast: Math.min(steady.length, wanted?.replicas ?? 0),
    })
  }

  #release(instance: string): void {
    for (const { names } of this.#survivors.values()) names.delete(instance)
    this.#unsettle(instance)
  }

  #unsettle(instance: string): void {
    for (const survivors of this.#survivors.values()) {
      survivors.steady.delete(instance)
      survivors.atLeast = Math.min(survivors.atLeast, survivors.steady.size)
    }
  }
}

/** Of what is taken back together, the rollout that is to blame. */
export function failedOf({ aborted, reason }: Pick<Decree, 'aborted' | 'reason'>): Rollout | undefined {
  return aborted.find(({ record }) => record.reason === reason)
}
