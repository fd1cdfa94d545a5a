/** What goes back when a rollout fails: read from what was decided and recorded before. */
import { own } from '../model/own.ts'
import type { NewRefusal, Refusal } from '../model/refusal.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import type { ReleaseDecision, ReleaseRecord, RolloutEnd, RolloutRecord, Store } from '../store/store.ts'
import { decisionEntry, refusalEntry } from './decision-entries.ts'
import { entryOf, itself } from './records.ts'
import { provenReleases } from './way-back.ts'

type Books = Pick<Store, 'releases' | 'rollouts' | 'versions'>
type IsRefused = (service: string, released: ServiceRelease) => Refusal | undefined

/** Why a rollout is taken back. */
export interface Failure {
  readonly reason: string
  /** The last words of the instance that failed. */
  readonly logs: readonly string[]
  /** Whether it is its version that failed, which is refused from then on. */
  readonly isFault?: boolean
}

/** The release without what the failed decision brought, and the rollouts that end or are undone with it. */
export async function whatGoesBack(
  rollout: RolloutRecord,
  current: ReleaseRecord,
  store: Books,
  isRefused: IsRefused,
): Promise<{ readonly release: Release; readonly affected: readonly RolloutRecord[] }> {
  const affected = await decidedWith(rollout, current, store)
  const history = await store.releases(current.release)
  const dropped = droppedWith(rollout, current, history).filter(([service, released]) => !isRefused(service, released))
  const services = { ...Object.fromEntries(dropped), ...current.release.services }
  for (const each of affected) {
    const previous = await wayBack(each, { current: current.release, history, store, isRefused })
    if (previous) services[each.service] = previous
    else delete services[each.service]
  }
  return { release: { ...current.release, services }, affected }
}

/** The rollouts that go back with this one, itself included: all that its decision began and that did not fail yet. */
async function decidedWith(
  rollout: RolloutRecord,
  { release }: ReleaseRecord,
  store: Books,
): Promise<readonly RolloutRecord[]> {
  if (release.rollback === 'service') return [rollout]
  const { stack, environment } = release
  const keys = Object.keys(release.services).map((service) => ({ stack, environment, service }))
  const newest = await Promise.all(keys.map((key) => store.rollouts(key, 1)))
  return newest.flat().filter(({ id, sequence, state }) => {
    return id === rollout.id || (sequence === rollout.sequence && (state === 'running' || state === 'succeeded'))
  })
}

interface Past {
  readonly current: Release
  readonly history: readonly ReleaseRecord[]
  readonly store: Books
  readonly isRefused: IsRefused
}

/**
 * What a fleet goes back to: what it had, or where that was refused meanwhile, the newest proven version that may run.
 * Where there is none, a recalled one must go all the same; another one serves on with what is left of it.
 */
async function wayBack(
  rollout: RolloutRecord,
  { current, history, store, isRefused }: Past,
): Promise<ServiceRelease | undefined> {
  const { service } = rollout
  const previous = previousOf(rollout, history)
  const refusal = previous && isRefused(service, previous)
  if (!previous || !refusal) return previous
  const { stack, environment } = rollout
  const past = { history, versions: await store.versions({ stack, environment }) }
  const failed = own(current.services, service)?.version
  const next = provenReleases(service, past).find(
    (released) => released.version !== failed && !isRefused(service, released),
  )
  if (next) return { ...next, replicas: previous.replicas }
  return refusal.isRecall ? undefined : previous
}

/** What the fleet had when the rollout began; `history`: newest first. */
export function previousOf(
  { service, from, sequence }: RolloutRecord,
  history: readonly ReleaseRecord[],
): ServiceRelease | undefined {
  const earlier = history.filter((record) => record.sequence < sequence)
  return earlier.map(({ release }) => own(release.services, service)).find((released) => released?.version === from)
}

/** The services that the rollout's decision did away with, as they were before; `history`: newest first. */
function droppedWith(
  { sequence }: RolloutRecord,
  { release }: ReleaseRecord,
  history: readonly ReleaseRecord[],
): readonly (readonly [string, ServiceRelease])[] {
  if (release.rollback === 'service') return []
  const index = history.findIndex((record) => record.sequence === sequence)
  const decided = history[index]?.release.services
  const earlier = Object.entries(history[index + 1]?.release.services ?? {})
  return earlier.filter(([name]) => !own(decided, name))
}

interface Abort {
  readonly rollout: RolloutRecord
  /** What the environment is to run again. */
  readonly release: Release
  /** The rollouts that end with it, itself included. */
  readonly running: readonly RolloutRecord[]
  readonly why: Failure
  readonly by: string
  readonly atMs: number
}

export function abortDecision({ rollout, release, running, why, by, atMs }: Abort): ReleaseDecision {
  const ends = running.map(({ id, service }): RolloutEnd => {
    const reason = id === rollout.id ? why.reason : `${rollout.service} failed, and what was decided with it goes back`
    return { id, state: 'aborted', reason, logs: service === rollout.service ? why.logs : [], endedAtMs: atMs }
  })
  const aborted = running.map((each, index) => {
    const { reason = why.reason, logs = [] } = ends[index] ?? {}
    return entryOf({ ...each, version: each.to }, { atMs, kind: 'rollout.aborted', message: reason, lines: logs })
  })
  const refuses = why.isFault ? refusalsOfFailed(rollout, why.reason, atMs) : []
  const asked = { release, decision: 'abort', reason: why.reason, by, atMs, ends, starts: [], refuses } as const
  return { ...asked, entries: [decisionEntry(asked), ...aborted, ...refuses.map((refusal) => refusalEntry(refusal))] }
}

/** A rollout that changes no version says nothing of the one that runs. */
function refusalsOfFailed(
  { stack, environment, service, from, to }: RolloutRecord,
  reason: string,
  atMs: number,
): readonly NewRefusal[] {
  if (from === to) return []
  const what = { kind: 'version', version: to } as const
  return [{ stack, environment, service, what, reason, by: itself, atMs }]
}
