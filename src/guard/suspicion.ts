/** When so many instances look touched at once that whatever says so is suspected first. Pure. */

const most = 0.3
/** Fewer than these are no crowd, whatever their share. */
const leastCrowd = 3
/** Touches within so long are at once. */
const atOnceMs = 10_000

export interface Crowd {
  /** How many instances there are in all. */
  readonly instances: number
  /** When those of them that look touched were, the newest included; by a steady clock. */
  readonly touchedAtMs: readonly number[]
}

export function isSensorSuspect({ instances, touchedAtMs }: Crowd, nowMs: number): boolean {
  const atOnce = touchedAtMs.filter((atMs) => nowMs - atMs <= atOnceMs).length
  return atOnce >= leastCrowd && atOnce > most * instances
}
