/** Instances that a call is taking out of service: of the controller that lives, or of one that died a moment ago. */
import type { Clock } from '../../src/system/clock.ts'

/** Longer than any call of a dead controller needs to show in the world, where it goes on. */
const lingerMs = 10

export class Departures {
  readonly #clock: Clock
  readonly #calls = new Map<string, number>()
  readonly #lingering = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(instance: string): boolean {
    return this.#calls.has(instance) || (this.#lingering.get(instance) ?? -Infinity) >= this.#clock.now()
  }

  begin(instance: string): void {
    this.#calls.set(instance, (this.#calls.get(instance) ?? 0) + 1)
  }

  end(instance: string): void {
    const left = (this.#calls.get(instance) ?? 1) - 1
    if (left > 0) this.#calls.set(instance, left)
    else this.#calls.delete(instance)
  }

  /** The controller is dead; `finishing`: what it had begun goes on. */
  abandon(finishing: boolean): void {
    if (finishing)
      for (const instance of this.#calls.keys()) this.#lingering.set(instance, this.#clock.now() + lingerMs)
    this.#calls.clear()
  }
}
