/**
 * Promise 8, decisions: each that is not the controller's own was asked for, of this controller, and is recorded once. Of
 * its own, all but what is taken back follow from an escalation, one from each at most.
 */
import { type Scope, scopeName } from '../../../src/model/stack.ts'
import { type Decree, isOwnDecision } from '../decided.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

export class MandateMonitor implements Monitor {
  /** How many decisions the living controller may record yet, by scope. */
  #asked = new Map<string, number>()
  /** What a dead one was asked for, and when it died: what it was recording then may still be recorded. */
  #bequest = { asked: new Map<string, number>(), atMs: -Infinity }

  /** How many escalations nothing has followed from yet, by scope. */
  readonly #escalated = new Map<string, number>()

  onEscalation(scope: Scope): void {
    this.#escalated.set(scopeName(scope), (this.#escalated.get(scopeName(scope)) ?? 0) + 1)
  }

  onAsk(scope: string): void {
    this.#asked.set(scope, (this.#asked.get(scope) ?? 0) + 1)
  }

  onDisturbance({ kind }: Disturbance, { nowMs }: WorldTruth): void {
    if (kind !== 'controller') return
    this.#bequest = { asked: this.#asked, atMs: nowMs }
    this.#asked = new Map()
  }

  onDecision({ release, decision, by }: Decree, { nowMs }: WorldTruth): void {
    if (decision === 'abort') return
    const scope = scopeName(release)
    if (isOwnDecision({ decision, by })) return this.#useUp(this.#escalated, scope, `${decision} by itself`)
    const askers = nowMs === this.#bequest.atMs ? [this.#bequest.asked, this.#asked] : [this.#asked]
    const asked = askers.find((each) => (each.get(scope) ?? 0) > 0)
    this.#useUp(asked ?? this.#asked, scope, decision)
  }

  #useUp(asked: Map<string, number>, scope: string, decision: string): void {
    const left = asked.get(scope) ?? 0
    if (left === 0) throw new ViolationError('on the record', `${decision} of ${scope} is recorded, and nobody asked`)
    asked.set(scope, left - 1)
  }
}
