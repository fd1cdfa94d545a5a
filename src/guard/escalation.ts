/** When touches are too many to be answered with clean instances alone. Pure. */
import type { EscalationPolicy } from '../model/stack.ts'

/** When instances of one service were tainted since somebody looked at it, in the order of the record; by the clock of the day. */
export type TaintHistory = readonly number[]

/** Since when a service is escalated; undefined where it is not. It stays so until somebody has looked at it. */
export function escalatedAtMs(taintsMs: TaintHistory, { after, withinMs }: EscalationPolicy): number | undefined {
  return taintsMs.find((atMs, index) => index >= after - 1 && atMs - taintsMs[index - after + 1]! <= withinMs)
}

const firstDelayMs = 10_000
const longestDelayMs = 300_000

/** How long nothing new is made after the newest taint of an escalated service: fresh machines would feed an attacker. */
export function heldForMs(taintsMs: TaintHistory, policy: EscalationPolicy): number {
  const sinceMs = escalatedAtMs(taintsMs, policy)
  if (sinceMs === undefined) return 0
  const further = taintsMs.filter((atMs) => atMs > sinceMs).length
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(further, 10))
}
