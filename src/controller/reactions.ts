/** How fast touches are answered: until the instance is out of rotation, until evidence is kept, until all is clean. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { Touch } from '../model/touch.ts'
import { type Fleet, isReady } from '../plan/fleet.ts'
import type { Clock } from '../system/clock.ts'

export const reactionGoals = ['outOfRotation', 'evidence', 'clean'] as const
export type ReactionGoal = (typeof reactionGoals)[number]

interface Reaction {
  readonly fleet: string
  readonly touchedAtMs: number
  readonly reached: Set<ReactionGoal>
}

/** So many of the newest are kept. */
const most = 1_000

export class Reactions {
  readonly #clock: Pick<Clock, 'now'>
  readonly #running = new Map<string, Reaction>()
  readonly #times: Readonly<Record<ReactionGoal, number[]>> = { outOfRotation: [], evidence: [], clean: [] }
  readonly #counts = new Map<string, { readonly kind: string; readonly layer: string; count: number }>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  begin(instance: FleetKey & { readonly name: string }, { atMs, kind, layer }: Touch): void {
    this.#running.set(instance.name, { fleet: fleetName(instance), touchedAtMs: atMs, reached: new Set() })
    const count = this.#counts.get(`${kind} ${layer}`) ?? { kind, layer, count: 0 }
    count.count++
    this.#counts.set(`${kind} ${layer}`, count)
  }

  noteOut(instance: string): void {
    this.#reach(instance, 'outOfRotation')
  }

  noteCaptured(instance: string): void {
    this.#reach(instance, 'evidence')
  }

  /** Those of fleets of which nothing touched serves any more, and as many others as should. */
  noteFleets(fleets: readonly Fleet[]): void {
    if (this.#running.size === 0) return
    for (const { key, target, instances } of fleets) {
      const ready = instances.filter((instance) => isReady(instance, target)).length
      if (ready < target.replicas) continue
      for (const [name, { fleet }] of this.#running) {
        const instance = instances.find((each) => each.name === name)
        if (fleet !== fleetName(key) || (instance?.taint && instance.rotation !== 'out')) continue
        this.#reach(name, 'clean')
        if (!instance?.taint) this.#running.delete(name)
      }
    }
  }

  #reach(instance: string, goal: ReactionGoal): void {
    const reaction = this.#running.get(instance)
    if (!reaction || reaction.reached.has(goal)) return
    reaction.reached.add(goal)
    const times = this.#times[goal]
    times.push(Math.max(0, this.#clock.now() - reaction.touchedAtMs))
    if (times.length > most) times.shift()
  }

  /** In milliseconds, oldest first. */
  times(goal: ReactionGoal): readonly number[] {
    return this.#times[goal]
  }

  /** How many instances were tainted so. */
  counts(): readonly { readonly kind: string; readonly layer: string; readonly count: number }[] {
    return [...this.#counts.values()]
  }
}
