/** What was answered, counted: how much, how much of it failed, how long it took. Pure. */
import { LatencyHistogram } from './latency-histogram.ts'

export class Tally {
  #answers = 0
  #errors = 0
  readonly #latencies = new LatencyHistogram()

  get answers(): number {
    return this.#answers
  }

  get errors(): number {
    return this.#errors
  }

  get latencies(): LatencyHistogram {
    return this.#latencies
  }

  /** `status` is that of HTTP, or 0 where the connection was cut before an answer. How fast one failed is no merit. */
  count(status: number, timeMs: number, times = 1): void {
    this.#answers += times
    if (isError(status)) this.#errors += times
    else this.#latencies.count(timeMs, times)
  }

  add(other: Tally): void {
    this.#answers += other.#answers
    this.#errors += other.#errors
    this.#latencies.add(other.#latencies)
  }
}

function isError(status: number): boolean {
  return status === 0 || status >= 500
}
