/** Promise 8, decisions: each that is not the controller's own was asked for, of this controller, and is recorded once. */
import { scopeName } from '../../../src/model/stack.ts'
import type { Decree } from '../decided.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

export class MandateMonitor implements Monitor {
  /** How many decisions the living controller may record yet, by scope. */
  readonly #asked = new Map<string, number>()

  onAsk(scope: string): void {
    this.#asked.set(scope, (this.#asked.get(scope) ?? 0) + 1)
  }

  onDisturbance({ kind }: Disturbance): void {
    if (kind === 'controller') this.#asked.clear()
  }

  onDecision({ release, decision }: Decree): void {
    if (decision === 'abort') return
    const scope = scopeName(release)
    const left = this.#asked.get(scope) ?? 0
    if (left === 0) throw new ViolationError('on the record', `${decision} of ${scope} is recorded, and nobody asked`)
    this.#asked.set(scope, left - 1)
  }
}
