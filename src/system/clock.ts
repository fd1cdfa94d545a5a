/** Time as an argument: the controller never asks the machine itself. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since the epoch, for the record: it is put right at times, and jumps then either way. */
  now(): number
  /** Milliseconds since some moment: it never jumps, so that waits, delays and deadlines are measured by it. */
  steady(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {})
  },
}
