/**
 * The store contract: what was decided. Each write is durable when its promise resolves.
 *
 * It never says what runs; the engine does.
 */
import type { Entry } from '../model/entry.ts'
import type { Lifted, NewRefusal, Refusal } from '../model/refusal.ts'
import type { Release } from '../model/release.ts'
import type { FleetKey, Scope } from '../model/stack.ts'
import type { VersionId, VersionSpec } from '../model/version.ts'

/** Why an environment was told to run a release. */
export type Decision = 'up' | 'rollback' | 'recall' | 'abort' | 'down'

export interface ReleaseRecord {
  /** Counts up over all environments. */
  readonly sequence: number
  readonly release: Release
  readonly decision: Decision
  readonly reason: string
  /** The user name of whoever asked. */
  readonly by: string
  readonly atMs: number
}

export interface RolloutRecord extends FleetKey {
  readonly id: number
  /** Of the release record that began it. */
  readonly sequence: number
  /** Null: the service had none. */
  readonly from: VersionId | null
  readonly to: VersionId
  readonly startedAtMs: number
  readonly state: 'running' | 'succeeded' | 'aborted' | 'superseded'
  /** Of a staged one: the stage that it has reached, counted from 0; absent: none yet. */
  readonly stage?: number
  /** Since when somebody has it paused. */
  readonly pausedAtMs?: number
  /** Somebody has told it to go on to its end without waiting. */
  readonly isPromoted?: true
  /** It goes back to a version that was proven before: nothing is held or judged on the way. */
  readonly isSwitch?: true
  /** Of a succeeded one: until when the instances of `from` are kept. */
  readonly warmUntilMs?: number
  /** Why it was aborted, and the failing instance's last log lines. */
  readonly reason?: string
  readonly logs?: readonly string[]
  readonly endedAtMs?: number
}

export interface VersionRecord extends FleetKey {
  readonly version: VersionId
  readonly spec: VersionSpec
  readonly imageName: string
  readonly firstRunAtMs: number
  readonly lastRunAtMs: number
  /** `proven`: a rollout to it succeeded. */
  readonly state: 'unproven' | 'proven' | 'failed'
  /** Of its image; absent: none, or none that are known. */
  readonly labels?: Readonly<Record<string, string>>
  readonly rehearsal?: Rehearsal
}

/** How an instance of a version did that was last started to see whether it still can. */
export interface Rehearsal {
  readonly atMs: number
  readonly passed: boolean
  readonly message: string
}

/** An entry with its place in the ledger: the first has the sequence number 0. */
export interface RecordedEntry extends Entry {
  readonly sequence: number
}

export interface EntryFilter extends Partial<FleetKey> {
  readonly instance?: string
  /** The id, or its first digits. */
  readonly version?: string
  readonly by?: string
  /** Only entries from this time on, and up to that. */
  readonly sinceMs?: number
  readonly untilMs?: number
  /** Only entries of one of these kinds. */
  readonly kinds?: readonly string[]
  /** Only entries after this sequence number. */
  readonly after?: number
  /** The newest so many, in ascending order. */
  readonly last?: number
}

export type RolloutStart = Pick<RolloutRecord, 'service' | 'from' | 'to' | 'isSwitch'>

/** What it leaves out is not so: an end without `warmUntilMs` also cools a rollout that had succeeded. */
export type RolloutEnd = Required<Pick<RolloutRecord, 'id' | 'state' | 'endedAtMs'>> &
  Pick<RolloutRecord, 'reason' | 'logs' | 'warmUntilMs'>

/** What it leaves out stays; a `pausedAtMs` of null ends a pause. */
export type RolloutChange = Pick<RolloutRecord, 'id' | 'stage' | 'isPromoted'> & { readonly pausedAtMs?: number | null }

export interface ReleaseDecision extends Omit<ReleaseRecord, 'sequence'> {
  readonly ends: readonly RolloutEnd[]
  readonly starts: readonly RolloutStart[]
  /** What must not run in the scope any more. */
  readonly refuses?: readonly NewRefusal[]
  /** What is known from then on of the versions that it starts and replaces. */
  readonly versions?: readonly VersionRecord[]
  /** What the ledger says of it. */
  readonly entries: readonly Entry[]
}

/** What a decision has brought about. */
export interface Decided {
  readonly record: ReleaseRecord
  readonly started: readonly RolloutRecord[]
  readonly refused: readonly Refusal[]
}

/** Each write with entries is one with them: all of it or nothing. */
export interface Store {
  /** Records what a scope should run from now on, with the rollouts that this ends and begins, and with what it refuses. */
  decide(decision: ReleaseDecision): Promise<Decided>
  /** The newest record of the scope. */
  currentRelease(scope: Scope): Promise<ReleaseRecord | undefined>
  /** The newest record of every scope. */
  currentReleases(): Promise<readonly ReleaseRecord[]>
  /** Newest first. */
  releases(scope: Scope): Promise<readonly ReleaseRecord[]>
  /** A release that was ever decided, by its id. */
  release(id: string): Promise<Release | undefined>

  endRollout(end: RolloutEnd, entry: Entry): Promise<void>
  changeRollout(change: RolloutChange, entry: Entry): Promise<void>
  /** Its `from` is not kept any longer. */
  coolRollout(id: number, entry: Entry): Promise<void>
  runningRollouts(): Promise<readonly RolloutRecord[]>
  /** Succeeded ones whose `from` is kept; in the order in which they began. */
  warmRollouts(): Promise<readonly RolloutRecord[]>
  /** Newest first; at most `limit`, where it is given. */
  rollouts(key: FleetKey, limit?: number): Promise<readonly RolloutRecord[]>

  refuse(refusal: NewRefusal, entry: Entry): Promise<Refusal>
  lift(id: number, lifted: Lifted, entry: Entry): Promise<void>
  /** Newest first, lifted ones too. */
  refusals(): Promise<readonly Refusal[]>

  /**
   * Inserts, or moves `lastRunAtMs` and the state forward; the first run's time is kept, and so are labels and the last
   * rehearsal where it says nothing of them.
   */
  saveVersion(version: VersionRecord): Promise<void>
  /** Nothing, where the version is not known. */
  saveRehearsal(version: FleetKey & Pick<VersionRecord, 'version'>, rehearsal: Rehearsal, entry: Entry): Promise<void>
  /** Most recently run first. */
  versions(scope: Scope, service?: string): Promise<readonly VersionRecord[]>

  append(entry: Entry): Promise<RecordedEntry>
  /** Ascending. */
  entries(filter: EntryFilter): Promise<readonly RecordedEntry[]>
  /** The intents of effects that have no outcome, since the newest `controller.started`. */
  openIntents(): Promise<readonly RecordedEntry[]>
  /** The leaves of the ledger from a sequence number on, at most `limit`; none where the first of them is forgotten. */
  leaves(from: number, limit: number): Promise<readonly Uint8Array[]>
  /** How many entries were ever recorded. */
  size(): Promise<number>
  /** Drops the entries before a sequence number, which the ledger's files hold. */
  forget(before: number): Promise<void>
  /** Drops all entries, and begins another ledger with this one. */
  restart(entry: Entry): Promise<void>

  close(): Promise<void>
}
