/** One server on its way out: it waits for its requests, for as long as the most impatient caller lets it. */
import { RepaveError } from '../../errors.ts'
import type { Clock } from '../../system/clock.ts'

const firstPollMs = 5
const longestPollMs = 50

export class Removal {
  readonly result: Promise<'drained' | 'cut'>
  readonly #clock: Clock
  #deadlineMs: number
  #cancelled = false

  /** `work` gets this removal, and does all that is to be done; it begins at once, in the order of what changes HAProxy. */
  constructor(clock: Clock, timeoutMs: number, work: (removal: Removal) => Promise<'drained' | 'cut'>) {
    this.#clock = clock
    this.#deadlineMs = clock.steady() + timeoutMs
    this.result = work(this)
  }

  shorten(timeoutMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, this.#clock.steady() + timeoutMs)
  }

  /** The server was added again: it stays. */
  cancel(): void {
    this.#cancelled = true
  }

  assertWanted(name: string): void {
    if (!this.#cancelled) return
    throw new RepaveError('ROUTER_FAILED', `${name} was added again while it drained, and serves on`, {
      hint: 'remove it again if it is to go',
    })
  }

  /**
   * Whether `sessions` came to zero before the deadline. Two zeros in a row are asked for: a request that was being
   * assigned while the server was taken out shows up in the second.
   */
  async waitUntilIdle(sessions: () => Promise<number>): Promise<boolean> {
    let zeros = 0
    for (let pollMs = firstPollMs; !this.#cancelled; pollMs = Math.min(pollMs * 1.5, longestPollMs)) {
      zeros = (await sessions()) === 0 ? zeros + 1 : 0
      if (zeros === 2) return true
      if (zeros === 0 && this.#clock.steady() >= this.#deadlineMs) return false
      await this.#clock.sleep(zeros > 0 ? firstPollMs : pollMs)
    }
    return true
  }
}
