/** What was decided, as the store has it, whichever controller lives to hear of it. */
import type { Release } from '../../src/model/release.ts'
import { scopeName, type Scope } from '../../src/model/stack.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import type { ReleaseRecord, Store } from '../../src/store/store.ts'

export class Decided {
  readonly store: Store
  /** By scope name; the newest decision of each. */
  readonly releases = new Map<string, Release>()
  readonly #byPeople = new Map<string, number>()
  readonly #onDecision: (record: ReleaseRecord) => void

  constructor(onDecision: (record: ReleaseRecord) => void) {
    this.#onDecision = onDecision
    this.store = this.#witnessed(createMemoryStore())
  }

  /** How many decisions that people asked for were recorded so far. */
  countByPeople(scope: Scope): number {
    return this.#byPeople.get(scopeName(scope)) ?? 0
  }

  #witnessed(store: Store): Store {
    return {
      ...store,
      decide: async (decision) => {
        const outcome = await store.decide(decision)
        this.#note(outcome.record)
        return outcome
      },
    }
  }

  #note(record: ReleaseRecord): void {
    const scope = scopeName(record.release)
    this.releases.set(scope, record.release)
    if (record.decision !== 'abort') this.#byPeople.set(scope, (this.#byPeople.get(scope) ?? 0) + 1)
    this.#onDecision(record)
  }
}
