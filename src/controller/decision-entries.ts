/** What the ledger says of a decision: pure. */
import type { Entry } from '../model/entry.ts'
import { type Lifted, type NewRefusal, refusedName } from '../model/refusal.ts'
import { type Release, releaseId } from '../model/release.ts'
import { shortVersion } from '../model/version.ts'
import type { ReleaseDecision, RolloutRecord } from '../store/store.ts'
import { entryOf, type Subject } from './records.ts'

type Asked = Omit<ReleaseDecision, 'entries'>

/**
 * The decision, with the whole release by its id; the rollouts that it supersedes; those that it starts. A recall says
 * what is recalled.
 */
export function decisionEntries(asked: Asked, superseded: readonly RolloutRecord[]): readonly Entry[] {
  const { release, starts, refuses = [], atMs } = asked
  const started = starts.map(({ service, from, to }) =>
    entryOf({ ...release, service, version: to }, { atMs, kind: 'rollout.started', message: startWords(from) }),
  )
  const recalls = refuses.map((refusal) => refusalEntry(refusal, release))
  const decided = recalls.length > 0 ? recalls : [decisionEntry(asked)]
  return [...decided, ...superseded.map((rollout) => supersededEntry(rollout, atMs)), ...started]
}

export function decisionEntry({ release, decision, reason, by, atMs }: Asked): Entry {
  const what = { atMs, kind: `decision.${decision}`, by, message: reason, release: releaseId(release) }
  return entryOf({ stack: release.stack, environment: release.environment }, what)
}

/** `release`: what was decided with it. */
export function refusalEntry(refusal: NewRefusal, release?: Release): Entry {
  const { by, reason, atMs, isRecall } = refusal
  const kind = isRecall ? 'decision.recall' : 'decision.refuse'
  const message = `${refusedName(refusal)} must not run: ${reason}`
  return entryOf(subjectOf(refusal), { atMs, kind, by, message, ...(release && { release: releaseId(release) }) })
}

export function liftEntry(refusal: NewRefusal, { by, reason, atMs }: Lifted): Entry {
  const message = `${refusedName(refusal)} may run again: ${reason}`
  return entryOf(subjectOf(refusal), { atMs, kind: 'decision.refusal-lifted', by, message })
}

function subjectOf({ stack, environment, service, what }: NewRefusal): Subject {
  const version = what.kind === 'version' ? what.version : undefined
  return { stack, environment, ...(service !== undefined && { service }), ...(version !== undefined && { version }) }
}

export function supersededEntry(rollout: RolloutRecord, atMs: number): Entry {
  const message = 'another decision took its place'
  return entryOf({ ...rollout, version: rollout.to }, { atMs, kind: 'rollout.superseded', message })
}

function startWords(from: string | null): string {
  return `from ${from === null ? 'nothing' : shortVersion(from)}`
}
