/** How fast touches are answered: until the instance is out of rotation, until evidence is kept, until all is clean. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { SenseLayer, Touch, TouchKind } from '../model/touch.ts'
import { type Fleet, isReady } from '../plan/fleet.ts'
import type { Clock } from '../system/clock.ts'
import { type GuardFigures, type ReactionEnd, ReactionHistogram } from './guard-figures.ts'

interface Reaction {
  readonly fleet: string
  readonly touchedAtMs: number
  readonly reached: Set<ReactionEnd>
}

/** So many of the newest are kept. */
const most = 1_000

export class Reactions {
  readonly #clock: Pick<Clock, 'now'>
  readonly #running = new Map<string, Reaction>()
  readonly #cleanMs: number[] = []
  readonly #counts = new Map<string, { readonly kind: TouchKind; readonly layer: SenseLayer; count: number }>()
  readonly histogram = new ReactionHistogram()

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
    this.#reach(instance, 'out_of_rotation')
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

  #reach(instance: string, end: ReactionEnd): void {
    const reaction = this.#running.get(instance)
    if (!reaction || reaction.reached.has(end)) return
    reaction.reached.add(end)
    const ms = Math.max(0, this.#clock.now() - reaction.touchedAtMs)
    this.histogram.note(end, ms)
    if (end !== 'clean') return
    this.#cleanMs.push(ms)
    if (this.#cleanMs.length > most) this.#cleanMs.shift()
  }

  /** From each touch until all was clean, in milliseconds, oldest first. */
  get cleanMs(): readonly number[] {
    return this.#cleanMs
  }

  /** How many instances were tainted so. */
  counts(): GuardFigures['taints'] {
    return [...this.#counts.values()]
  }
}
