/** The instances of one fleet in simulated time, and what effects make of them. */
import { allRequests } from '../rollout/stage.ts'
import { type FleetInstance, isLeaving, isRouted } from './fleet.ts'
import { couldServe } from './reached.ts'
import type { Effect } from './reconcile.ts'
import { type Consequence, consequences, type EffectTimes, healthy, idle, unmade } from './timeline-effects.ts'
import type { TimelineLog } from './timeline-log.ts'

/** What comes of an effect on one instance, and after which time. */
export interface Pending {
  readonly afterMs: number
  readonly happen: () => void
}

interface Surroundings {
  readonly times: EffectTimes
  readonly routed: boolean
  readonly log: TimelineLog
}

export class InstancesRun {
  readonly #surroundings: Surroundings
  readonly #present: Map<string, FleetInstance>
  /** Names of those that have left rotation, and are not ended yet. */
  readonly left = new Set<string>()

  constructor(instances: readonly FleetInstance[], surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.#present = new Map(instances.map((instance) => [instance.name, idle(instance)]))
  }

  get size(): number {
    return this.#present.size
  }

  /** As the controller sees them where lane b gets `split` thousandths of the requests. */
  seen(split: number): readonly FleetInstance[] {
    return [...this.#present.values()].map((instance) => rotated(instance, split))
  }

  /** Those that run get healthy. */
  underWay(): readonly Pending[] {
    const starting = [...this.#present.values()].filter(
      ({ phase, health }) => phase === 'running' && health === 'starting',
    )
    const consequence = { afterMs: this.#surroundings.times.healthyMs, become: healthy }
    return starting.map(({ name }) => this.#pending(name, consequence))
  }

  /** Answers what comes of an effect later, first its end. */
  begin(effect: Effect): readonly Pending[] {
    const { times, log } = this.#surroundings
    const { instance: name } = effect
    if (effect.kind === 'create') this.#present.set(name, unmade(name, effect.version))
    const present = this.#present.get(name)
    const isStarted = effect.kind === 'start' || (effect.kind === 'create' && !effect.isAhead)
    if (present && isStarted) log.count('started', present.version)
    const [first, ...later] = consequences(effect, times)
    if (first) this.#become(name, first)
    return later.map((consequence) => this.#pending(name, consequence))
  }

  #pending(name: string, consequence: Consequence): Pending {
    return { afterMs: consequence.afterMs, happen: () => this.#become(name, consequence) }
  }

  #become(name: string, { become }: Consequence): void {
    const before = this.#present.get(name)
    if (!before) return
    const after = become(before)
    if (after) this.#present.set(name, after)
    else this.#present.delete(name)
    if (before.phase !== 'gone') this.#tell(before, after)
  }

  #tell(before: FleetInstance, after: FleetInstance | undefined): void {
    const { log } = this.#surroundings
    const { name, version } = before
    if (!after) log.count('gone', version)
    else if (isLeaving(after) && !this.left.has(name)) log.count('leaving', version)
    else if (couldServe(after, this.#surroundings) && !couldServe(before, this.#surroundings))
      log.count('ready', version)
    else if (after.health === 'healthy' && before.health !== 'healthy') log.count('standby', version)
    if (after && isLeaving(after)) this.left.add(name)
    else if (!after || isRouted(after)) this.left.delete(name)
  }
}

function rotated(instance: FleetInstance, split: number): FleetInstance {
  if (!isRouted(instance)) return instance
  const share = instance.lane === 'b' ? split : allRequests - split
  const rotation = share > 0 ? 'in' : 'warm'
  return rotation === instance.rotation ? instance : { ...instance, rotation }
}
