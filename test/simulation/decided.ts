/** What was decided, as the store has it, whichever controller lives to hear of it. */
import type { Release } from '../../src/model/release.ts'
import { fleetName, scopeName, type Scope } from '../../src/model/stack.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import type { ReleaseRecord, RolloutRecord, Store } from '../../src/store/store.ts'

/** A decision, and the rollouts that it aborts. */
export interface Decree extends ReleaseRecord {
  readonly aborted: readonly RolloutRecord[]
}

export class Decided {
  readonly store: Store
  /** By scope name; the newest decision of each. */
  readonly releases = new Map<string, Release>()
  readonly #running = new Map<number, RolloutRecord>()
  readonly #byPeople = new Map<string, number>()
  readonly #onDecision: (decree: Decree) => void

  constructor(onDecision: (decree: Decree) => void) {
    this.#onDecision = onDecision
    this.store = this.#witnessed(createMemoryStore())
  }

  /** How many decisions that people asked for were recorded so far. */
  countByPeople(scope: Scope): number {
    return this.#byPeople.get(scopeName(scope)) ?? 0
  }

  /** The fleet of a rollout that has no verdict. */
  unjudged(): string | undefined {
    for (const rollout of this.#running.values()) return fleetName(rollout)
    return undefined
  }

  #witnessed(store: Store): Store {
    return {
      ...store,
      decide: async (decision) => {
        const outcome = await store.decide(decision)
        const aborted = decision.ends.filter(({ state }) => state === 'aborted').flatMap(({ id }) => this.#end(id))
        for (const { id } of decision.ends) this.#end(id)
        for (const rollout of outcome.started) this.#running.set(rollout.id, rollout)
        this.#note({ ...outcome.record, aborted })
        return outcome
      },
      endRollout: async (...ended: Parameters<Store['endRollout']>) => {
        await store.endRollout(...ended)
        this.#end(ended[0].id)
      },
    }
  }

  #end(id: number): readonly RolloutRecord[] {
    const rollout = this.#running.get(id)
    this.#running.delete(id)
    return rollout ? [rollout] : []
  }

  #note(decree: Decree): void {
    const scope = scopeName(decree.release)
    this.releases.set(scope, decree.release)
    if (decree.decision !== 'abort') this.#byPeople.set(scope, (this.#byPeople.get(scope) ?? 0) + 1)
    this.#onDecision(decree)
  }
}
