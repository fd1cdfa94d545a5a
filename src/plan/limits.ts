/** How many effects run side by side. */
import type { EffectKind } from './fleet.ts'

/** Measured on two cores: an engine gains nothing beyond four starts at once, and ending comes after starting. */
export const mostAtOnce: Readonly<Record<EffectKind, number>> = {
  create: 4,
  start: 4,
  route: 64,
  unroute: 256,
  destroy: 2,
}

/** An end that takes longer than this waits for a process that is slow to stop, which costs the engine nothing. */
export const busyEndMs = 1_000
