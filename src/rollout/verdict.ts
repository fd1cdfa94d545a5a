/** Whether a rollout goes on, has succeeded, or must go back. Pure. */

export interface RolloutFacts {
  readonly replicas: number
  /** Instances of the new version that are ready. */
  readonly ready: number
  /** Instances that are not wanted and still in rotation or not yet let go. */
  readonly outdated: number
  /** Instances of the new version that ended before they were ever ready. */
  readonly stillborn: number
  /** The engine's words when it can't run the new version at all. */
  readonly cannotRun?: string
  /** When the rollout began, or a further instance became ready, whichever is later. */
  readonly progressAtMs: number
  readonly deadlineMs: number
  /** What the newest failing instance showed: `web-…-1: HTTP 503`. */
  readonly symptom?: string
}

export type Verdict =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'aborted'; readonly reason: string }

/** So many instances that die before they serve are a verdict, without waiting for the deadline. */
export const stillbornLimit = 3

export function verdict(facts: RolloutFacts, nowMs: number): Verdict {
  if (facts.ready >= facts.replicas && facts.outdated === 0) return { kind: 'succeeded' }
  if (facts.cannotRun !== undefined) return { kind: 'aborted', reason: `the engine can't run it: ${facts.cannotRun}` }
  const symptom = facts.symptom ? ` (${facts.symptom})` : ''
  if (facts.stillborn >= stillbornLimit)
    return { kind: 'aborted', reason: `${facts.stillborn} instances ended before they were ready${symptom}` }
  if (nowMs - facts.progressAtMs >= facts.deadlineMs) return { kind: 'aborted', reason: overdue(facts, symptom) }
  return { kind: 'running' }
}

function overdue(facts: RolloutFacts, symptom: string): string {
  const seconds = facts.deadlineMs / 1000
  return `no further instance became ready within ${seconds} s; ${facts.ready} of ${facts.replicas} are${symptom}`
}
