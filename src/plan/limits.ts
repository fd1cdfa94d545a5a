/** How many effects run side by side. */
import type { EffectKind } from './fleet.ts'

/** Measured on two cores: an engine gains nothing beyond four starts at once, and ending comes after starting. */
const mostAtOnce: Readonly<Record<EffectKind, number>> = {
  create: 4,
  start: 4,
  route: 64,
  unroute: 256,
  isolate: 8,
  destroy: 2,
}

/** While nothing is made or started, the engine has time for more. */
export const mostEndsAlone = 8

export interface RunningEffect {
  readonly kind: EffectKind
  readonly beganAtMs: number
}

/** Whether one more effect of `kind` fits beside those that are under way. */
export function fitsBeside(kind: EffectKind, underWay: readonly RunningEffect[], nowMs: number): boolean {
  const busy = underWay.filter((effect) => effect.kind === kind && isBusy(effect, nowMs))
  const isAlone = !underWay.some((effect) => effect.kind === 'create' || effect.kind === 'start')
  return busy.length < (kind === 'destroy' && isAlone ? mostEndsAlone : mostAtOnce[kind])
}

/** Whether it keeps the engine at work, and not only waiting. */
export function isBusy({ kind, beganAtMs }: RunningEffect, nowMs: number): boolean {
  return kind !== 'destroy' || nowMs - beganAtMs < busyEndMs
}

/** An end that takes longer than this waits for a process that is slow to stop, which costs the engine nothing. */
export const busyEndMs = 1_000
