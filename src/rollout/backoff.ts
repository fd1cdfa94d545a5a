/** Growing delays between attempts: for instances that keep dying, and for effects that keep failing. Pure. */

/** Deaths in a row, each of an instance that had not served for `provenAfterMs`. */
export interface CrashLoop {
  readonly failures: number
  readonly createAfterMs: number
  readonly lastExit?: string
}

export const noCrashLoop: CrashLoop = { failures: 0, createAfterMs: 0 }

/** An instance that served as long as this ends a crash loop; its own death does not begin one. */
export const provenAfterMs = 10_000

const firstDelayMs = 1_000
const longestDelayMs = 60_000

/** After a further early death: the first is replaced at once, then after 1, 2, 4, … 60 seconds. */
export function afterEarlyDeath(loop: CrashLoop, lastExit: string, nowMs: number): CrashLoop {
  const failures = loop.failures + 1
  const delayMs = failures === 1 ? 0 : growing(failures - 2, firstDelayMs, longestDelayMs)
  return { failures, createAfterMs: nowMs + delayMs, lastExit }
}

/** `firstMs` doubled `attempt` times, at most `longestMs`. */
export function growing(attempt: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 30))
}
