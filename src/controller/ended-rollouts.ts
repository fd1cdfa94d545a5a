/** Counts the rollouts that end, from their entries, whenever somebody wants to know. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import { Serial } from '../system/serial.ts'
import type { Seams } from './seams.ts'

export type EndedRollouts = readonly (FleetKey & {
  readonly state: 'succeeded' | 'aborted' | 'superseded'
  readonly count: number
})[]

const states = ['succeeded', 'aborted', 'superseded'] as const
const kinds = states.map((state) => `rollout.${state}`)

export class RolloutCounter {
  readonly #store: Pick<Seams['store'], 'entries' | 'size'>
  readonly #counts = new Map<string, EndedRollouts[number]>()
  readonly #looks = new Serial()
  #after: number | undefined

  constructor(store: Pick<Seams['store'], 'entries' | 'size'>) {
    this.#store = store
  }

  /** Counts from here on. */
  async start(): Promise<void> {
    this.#after = (await this.#store.size()) - 1
  }

  count(): Promise<EndedRollouts> {
    return this.#looks.run(async () => {
      if (this.#after !== undefined) await this.#take(this.#after)
      return [...this.#counts.values()]
    })
  }

  async #take(after: number): Promise<void> {
    const last = (await this.#store.size()) - 1
    const entries = last > after ? await this.#store.entries({ kinds, after }) : []
    for (const { kind, stack, environment, service } of entries) {
      const state = states.find((each) => kind === `rollout.${each}`)
      if (!state || stack === undefined || environment === undefined || service === undefined) continue
      const key = { stack, environment, service }
      const name = `${fleetName(key)} ${state}`
      this.#counts.set(name, { ...key, state, count: (this.#counts.get(name)?.count ?? 0) + 1 })
    }
    this.#after = Math.max(last, entries.at(-1)?.sequence ?? last)
  }
}
