/**
 * A clock whose time passes only when it is told to, so that one world runs the same way every time.
 *
 * Between two timers everything that can run does run: a turn of the event loop ends only when no promise is left
 * to settle. That holds for code that waits on this clock and on promises alone; real input and output would end
 * in a turn of its own choosing.
 */
import TinyQueue from 'tinyqueue'
import type { Clock } from './clock.ts'

interface Timer {
  readonly atMs: number
  readonly sequence: number
  readonly fire: () => void
  /** Stops listening for what would cancel it. */
  readonly release: () => void
  cancelled: boolean
}

export class VirtualClock implements Clock {
  readonly #timers = new TinyQueue<Timer>([], byTimeThenAge)
  #nowMs: number
  #sequence = 0

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  steady(): number {
    return this.#nowMs
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const release = () => signal?.removeEventListener('abort', abort)
    const timer = this.#schedule(ms, resolve, release)
    const abort = () => {
      timer.cancelled = true
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    await promise
    release()
  }

  /** Nothing fires any more, and nobody is kept in memory by waiting for it. */
  close(): void {
    for (let timer = this.#timers.pop(); timer; timer = this.#timers.pop()) timer.release()
  }

  /** When the next timer fires; undefined when nothing waits. */
  nextAtMs(): number | undefined {
    while (this.#timers.peek()?.cancelled) this.#timers.pop()
    return this.#timers.peek()?.atMs
  }

  async advance(ms: number): Promise<void> {
    await this.runUntil(this.#nowMs + ms)
  }

  /** Fires every timer up to and including `atMs`, in order, and makes that the time. */
  async runUntil(atMs: number): Promise<void> {
    await settle()
    while ((this.nextAtMs() ?? Infinity) <= atMs) await this.step()
    this.#nowMs = Math.max(this.#nowMs, atMs)
  }

  /** Fires the next timer, and lets run whatever waited for it; false when there is none. */
  async step(): Promise<boolean> {
    if (this.nextAtMs() === undefined) return false
    const timer = this.#timers.pop()!
    this.#nowMs = Math.max(this.#nowMs, timer.atMs)
    timer.fire()
    await settle()
    return true
  }

  #schedule(ms: number, fire: () => void, release: () => void): Timer {
    const atMs = this.#nowMs + (ms > 0 ? ms : 0)
    const timer: Timer = { atMs, sequence: this.#sequence++, fire, release, cancelled: false }
    this.#timers.push(timer)
    return timer
  }
}

function byTimeThenAge(a: Timer, b: Timer): number {
  return a.atMs - b.atMs || a.sequence - b.sequence
}

/** Resolves once no promise has anything left to do: an immediate runs only after all of them. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
