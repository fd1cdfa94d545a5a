/** A gate to a monitoring system that exists only in memory. */
import { RepaveError } from '../../errors.ts'
import type { Clock } from '../../system/clock.ts'
import type { Gate, GateQuery } from '../gate.ts'

/** What a query gives: `silent` leaves the caller waiting, `none` are no data, `refused` is a query that can't be answered. */
export interface MonitoredWorld {
  answer(query: GateQuery): number | 'none' | 'refused' | 'unreachable' | 'silent'
}

const timeoutMs = 5_000

export class MemoryGate implements Gate {
  readonly #clock: Clock
  readonly #world: MonitoredWorld
  readonly #latencyMs: number

  /** Each answer takes `latencyMs`. */
  constructor(clock: Clock, world: MonitoredWorld, latencyMs = 0) {
    this.#clock = clock
    this.#world = world
    this.#latencyMs = latencyMs
  }

  async measure(query: GateQuery, signal: AbortSignal): Promise<number | undefined> {
    signal.throwIfAborted()
    if (this.#latencyMs > 0) await this.#clock.sleep(this.#latencyMs, signal)
    const answer = this.#world.answer(query)
    if (typeof answer === 'number') return answer
    if (answer === 'none') return undefined
    if (answer === 'silent') await this.#clock.sleep(timeoutMs, signal)
    throw answer === 'refused' ? refused(query) : unreachable(query)
  }
}

function refused({ url, query }: GateQuery): RepaveError {
  return new RepaveError('GATE_FAILED', `${url} refuses the query: ${query}`, { hint: 'mend the query' })
}

function unreachable({ url }: GateQuery): RepaveError {
  return new RepaveError('GATE_UNREACHABLE', `${url} did not answer a query`, {
    hint: 'look whether it can be reached from here',
  })
}
