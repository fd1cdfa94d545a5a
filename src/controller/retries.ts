/** What failed, why, and when it may be tried again: with growing delays, and only the loop decides. */
import type { RepaveError } from '../errors.ts'
import { growing } from '../rollout/backoff.ts'

interface Retry {
  readonly attempt: number
  readonly afterMs: number
  readonly error: RepaveError
}

const firstDelayMs = 200
const longestDelayMs = 15_000

export class Retries {
  readonly #retries = new Map<string, Retry>()

  isDue(key: string, nowMs: number): boolean {
    return (this.#retries.get(key)?.afterMs ?? 0) <= nowMs
  }

  /** Takes in how an attempt ended. */
  note(key: string, error: RepaveError | undefined, nowMs: number): void {
    if (!error) return this.forget(key)
    const attempt = (this.#retries.get(key)?.attempt ?? -1) + 1
    this.#retries.set(key, { attempt, afterMs: nowMs + growing(attempt, firstDelayMs, longestDelayMs), error })
  }

  forget(key: string): void {
    this.#retries.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#retries.keys()]
  }

  /** Of what failed at least this often in a row. */
  errors(leastFailures = 1): readonly RepaveError[] {
    return [...this.#retries.values()].filter(({ attempt }) => attempt + 1 >= leastFailures).map(({ error }) => error)
  }

  /** The next time after `nowMs` at which something may be tried again. */
  nextTimeMs(nowMs: number): number | undefined {
    const times = [...this.#retries.values()].map(({ afterMs }) => afterMs).filter((afterMs) => afterMs > nowMs)
    return times.length === 0 ? undefined : Math.min(...times)
  }
}
