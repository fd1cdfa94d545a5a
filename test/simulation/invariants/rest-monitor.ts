/** A controller looks when something happened or is due, and rests in between, however long it is kept from its work. */
import { ViolationError } from './invariant.ts'

const spanMs = 5_000
/** More than all that happens in that time can be the cause of. */
const mostLooks = 500

export class RestMonitor {
  #span = -Infinity
  #looks = 0

  onLook(nowMs: number): void {
    const span = Math.floor(nowMs / spanMs)
    if (span !== this.#span) this.#looks = 0
    this.#span = span
    if (++this.#looks > mostLooks)
      throw new ViolationError('rests between looks', `the engine is looked at ${this.#looks} times in ${spanMs} ms`)
  }
}
