/** What the ledger says of a decision: pure. */
import type { Entry } from '../model/entry.ts'
import { releaseId } from '../model/release.ts'
import { shortVersion } from '../model/version.ts'
import type { ReleaseDecision, RolloutRecord } from '../store/store.ts'
import { entryOf } from './records.ts'

type Asked = Omit<ReleaseDecision, 'entries'>

/** The decision, with the whole release by its id; the rollouts that it supersedes; those that it starts. */
export function decisionEntries(asked: Asked, superseded: readonly RolloutRecord[]): readonly Entry[] {
  const { release, starts, atMs } = asked
  const started = starts.map(({ service, from, to }) =>
    entryOf({ ...release, service, version: to }, { atMs, kind: 'rollout.started', message: startWords(from) }),
  )
  return [decisionEntry(asked), ...superseded.map((rollout) => supersededEntry(rollout, atMs)), ...started]
}

export function decisionEntry({ release, decision, reason, by, atMs }: Asked): Entry {
  const what = { atMs, kind: `decision.${decision}`, by, message: reason, release: releaseId(release) }
  return entryOf({ stack: release.stack, environment: release.environment }, what)
}

export function supersededEntry(rollout: RolloutRecord, atMs: number): Entry {
  const message = 'another decision took its place'
  return entryOf({ ...rollout, version: rollout.to }, { atMs, kind: 'rollout.superseded', message })
}

function startWords(from: string | null): string {
  return `from ${from === null ? 'nothing' : shortVersion(from)}`
}
