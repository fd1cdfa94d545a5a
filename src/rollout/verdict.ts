/** Whether a rollout goes on, has succeeded, or must go back. Pure. */

export interface RolloutFacts {
  /** Whether all is as its stage wants it: the instances are there, and have the share of the requests. */
  readonly isReached: boolean
  /** Whether no stage comes after this one. */
  readonly isLast: boolean
  /** Since all was as its stage wants it; 0 before. */
  readonly heldMs: number
  readonly holdMs: number
  /** Answers of the new version since then, and how many there have to be. */
  readonly answers: number
  readonly requests: number
  /** Somebody said that it has been held enough. */
  readonly isPromoted: boolean
  /** How long it has been paused; absent: it is not. */
  readonly pausedMs?: number
  readonly maxPauseMs: number
  /** In words, what shows that the new version is worse than the old one. */
  readonly worse?: string
  /** In words, what is not known yet and has to be. */
  readonly unknown?: string
  /** Instances of the new version that ended before they were ever ready. */
  readonly stillborn: number
  /** Those that have had half of the deadline, and do not get healthy. */
  readonly failing: number
  /** What keeps the engine from running the new version at all. */
  readonly cannotRun?: Trouble
  /** How long ago the rollout began, or a further instance became ready, whichever is later. */
  readonly idleMs: number
  readonly deadlineMs: number
  /** How many instances of the new version are ready, of how many. */
  readonly ready: number
  readonly wanted: number
  /** What the newest failing instance showed: `web-…-1: HTTP 503`. */
  readonly symptom?: string
}

/** What keeps a version from running. */
export interface Trouble {
  /** The engine's. */
  readonly words: string
  /** Whether these are of the version itself, and not of the engine and what it has. */
  readonly isFault: boolean
}

export type Verdict =
  | { readonly kind: 'running' }
  /** Its next stage begins. */
  | { readonly kind: 'stepped' }
  | { readonly kind: 'succeeded' }
  | Aborted

export interface Aborted {
  readonly kind: 'aborted'
  readonly reason: string
  /** Whether the new version failed, and not who runs or judges it. */
  readonly isFault: boolean
}

/** So many instances that die before they serve are a verdict, without waiting for the deadline. */
export const stillbornLimit = 3

const running: Verdict = { kind: 'running' }

export function verdict(facts: RolloutFacts): Verdict {
  const { isReached, cannotRun, pausedMs, maxPauseMs, worse } = facts
  if (worse !== undefined) return aborted(worse, true)
  if (!isReached && cannotRun) return aborted(`the engine can't run it: ${cannotRun.words}`, cannotRun.isFault)
  if (!isReached && facts.stillborn >= stillbornLimit)
    return aborted(`${facts.stillborn} instances ended before they were ready${inBrackets(facts.symptom)}`, true)
  if (pausedMs !== undefined)
    return pausedMs < maxPauseMs ? running : aborted(`it was paused for longer than ${maxPauseMs / 1000} s`, false)
  return isReached ? afterHold(facts) : beforeDeadline(facts)
}

/** Where no instance could be made, or none could be brought into the router, that is not for the version to answer. */
function beforeDeadline({ idleMs, deadlineMs, ready, wanted, symptom, ...facts }: RolloutFacts): Verdict {
  if (idleMs < deadlineMs) return running
  const seconds = deadlineMs / 1000
  return aborted(
    `no further instance became ready within ${seconds} s; ${ready} of ${wanted} are${inBrackets(symptom)}`,
    facts.failing + facts.stillborn > 0,
  )
}

/** What has to be known and is not is never a pass: it may take as long as the deadline after the time is over. */
function afterHold(facts: RolloutFacts): Verdict {
  const { heldMs, holdMs, deadlineMs, isLast, isPromoted } = facts
  const lack = isPromoted ? undefined : lackOf(facts)
  // Also what somebody promoted is watched to the end once it has all requests.
  const isHeldEnough = isPromoted && !isLast
  if (lack === undefined && (isHeldEnough || heldMs >= holdMs)) return { kind: isLast ? 'succeeded' : 'stepped' }
  return lack !== undefined && heldMs >= holdMs + deadlineMs ? aborted(lack, false) : running
}

function lackOf({ answers, requests, unknown }: RolloutFacts): string | undefined {
  if (answers < requests) return `it gave ${answers} answers, and ${requests} are needed to judge it`
  return unknown
}

function aborted(reason: string, isFault: boolean): Aborted {
  return { kind: 'aborted', reason, isFault }
}

function inBrackets(symptom: string | undefined): string {
  return symptom === undefined ? '' : ` (${symptom})`
}
