/**
 * Promise 3, capacity: once a fleet has so many ready instances, it keeps them, up to its floor. What dies by itself
 * lowers what can be asked for, and for a while excuses the controller, which can't know at once.
 */
import { fleetName } from '../../../src/model/stack.ts'
import type { Decree } from '../decided.ts'
import { floorOf, isFit, readyIn, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import type { Past } from './past.ts'
import { strikesInstances, ViolationError, type Disturbance, type Monitor } from './invariant.ts'

interface Held {
  readonly floor: number
  /** So many were ready, and may not become fewer. */
  readonly level: number
  readonly ready: ReadonlySet<string>
}

/** How long it takes at most until a controller has seen that an instance is dead or sick. */
const unseenMs = 4_000

export class FloorMonitor implements Monitor {
  readonly #past: Past
  readonly #held = new Map<string, Held>()
  #excusedUntilMs = 0

  constructor(past: Past) {
    this.#past = past
  }

  onDisturbance(disturbance: Disturbance, { nowMs }: WorldTruth): void {
    if (strikesInstances(disturbance)) this.#excuse(nowMs)
  }

  /** Also one that another decision follows at the same moment is acted upon. */
  onDecision(_decree: Decree, { fleets }: WorldTruth): void {
    for (const fleet of fleets) {
      const held = this.#held.get(fleetName(fleet.key))
      const floor = Math.min(floorOf(fleet), held?.floor ?? 0)
      if (held) this.#held.set(fleetName(fleet.key), { ...held, floor, level: Math.min(held.level, floor) })
    }
  }

  onStep(truth: WorldTruth): void {
    for (const fleet of truth.fleets) this.#check(fleet, truth)
  }

  #check(fleet: FleetTruth, truth: WorldTruth): void {
    const name = fleetName(fleet.key)
    const held = this.#held.get(name) ?? { floor: 0, level: 0, ready: new Set<string>() }
    const ready = readyIn(fleet, truth.leaving)
    // One that is fit just now, or again, may be taken for either: it is not asked for, and it counts.
    const steady = ready.filter((instance) => this.#past.isProven(instance, truth.nowMs))
    const names = new Set(ready.map(({ order }) => order.name))
    if (this.#lostByItself(fleet, held.ready, names) || this.#justLost(fleet, truth)) this.#excuse(truth.nowMs)
    // What was begun while less was wanted may still come about.
    const isSettled = this.#past.isSettled(fleet.key, truth.nowMs)
    const floor = isSettled ? floorOf(fleet) : Math.min(floorOf(fleet), held.floor)
    const due = truth.nowMs <= this.#excusedUntilMs ? Math.min(held.level, ready.length) : held.level
    if (ready.length < Math.min(due, floor))
      throw new ViolationError(
        'floor',
        `${name} has ${ready.length} ready instances, where it had ${due} and ${floor} is its floor`,
      )
    this.#held.set(name, { floor, level: Math.min(floor, Math.max(due, steady.length)), ready: names })
  }

  #excuse(nowMs: number): void {
    this.#excusedUntilMs = nowMs + unseenMs + this.#past.latenessMs(nowMs)
  }

  /** Whether one that is not fit any more may still be taken for it, also one that never was among the ready. */
  #justLost({ instances }: FleetTruth, { nowMs }: WorldTruth): boolean {
    return instances.some((instance) => nowMs - this.#past.lostFitnessAtMs(instance) === 0)
  }

  /** Whether an instance stopped serving that nobody took out. */
  #lostByItself(fleet: FleetTruth, before: ReadonlySet<string>, now: ReadonlySet<string>): boolean {
    return fleet.instances.some((instance) => {
      const { order, process } = instance
      const isLost = before.has(order.name) && !now.has(order.name)
      return isLost && (this.#past.hasFaltered(instance) || (!isFit(instance) && !process?.terminated))
    })
  }
}
