/** When touches are too many to be answered with clean instances alone. Pure. */
import type { EscalationPolicy } from '../model/stack.ts'

/** What the guard knows of one service. */
export interface TaintHistory {
  /** When its instances were tainted, ascending; by the clock of the day. */
  readonly taintsMs: readonly number[]
  /** Since then, somebody has looked at it. */
  readonly acknowledgedAtMs?: number
}

/** Since when a service is escalated; undefined where it is not. It stays so until somebody has looked at it. */
export function escalatedAtMs(history: TaintHistory, { after, withinMs }: EscalationPolicy): number | undefined {
  const { taintsMs, acknowledgedAtMs = -Infinity } = history
  const recent = taintsMs.filter((atMs) => atMs > acknowledgedAtMs)
  return recent.find((atMs, index) => index >= after - 1 && atMs - recent[index - after + 1]! <= withinMs)
}

const firstDelayMs = 10_000
const longestDelayMs = 300_000

/** How long nothing new is made after the newest taint of an escalated service: fresh machines would feed an attacker. */
export function heldForMs(history: TaintHistory, policy: EscalationPolicy): number {
  const sinceMs = escalatedAtMs(history, policy)
  if (sinceMs === undefined) return 0
  const further = history.taintsMs.filter((atMs) => atMs > sinceMs).length
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(further, 10))
}
