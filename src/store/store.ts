/**
 * The store contract: what was decided. Each write is durable when its promise resolves.
 *
 * It never says what runs; the engine does.
 */
import type { Release } from '../model/release.ts'
import type { FleetKey, Scope } from '../model/stack.ts'
import type { VersionId, VersionSpec } from '../model/version.ts'

/** Why an environment was told to run a release. */
export type Decision = 'up' | 'rollback' | 'abort' | 'down'

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
  /** Null: the service had none. */
  readonly from: VersionId | null
  readonly to: VersionId
  readonly startedAtMs: number
  readonly state: 'running' | 'succeeded' | 'aborted' | 'superseded'
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
}

/** One line of history; `kind` is `decision.up`, `create.intent`, `create.done`, `create.failed`, `instance.exited`, … */
export interface HistoryEvent {
  readonly sequence: number
  readonly atMs: number
  readonly stack: string
  readonly environment: string
  readonly service?: string
  readonly instance?: string
  readonly version?: VersionId
  readonly kind: string
  readonly message: string
}

export interface EventFilter extends Partial<FleetKey> {
  /** Only events of one of these kinds. */
  readonly kinds?: readonly string[]
  /** Only events after this sequence number. */
  readonly after?: number
  /** The newest so many, in ascending order. */
  readonly last?: number
}

export type RolloutStart = Pick<RolloutRecord, 'service' | 'from' | 'to'>

export type RolloutEnd = Required<Pick<RolloutRecord, 'id' | 'state' | 'endedAtMs'>> &
  Pick<RolloutRecord, 'reason' | 'logs'>

export interface ReleaseDecision extends Omit<ReleaseRecord, 'sequence'> {
  readonly ends: readonly RolloutEnd[]
  readonly starts: readonly RolloutStart[]
}

export interface Store {
  /**
   * Records what a scope should run from now on, with the rollouts that this ends and begins: all of it or nothing.
   */
  decide(
    decision: ReleaseDecision,
  ): Promise<{ readonly record: ReleaseRecord; readonly started: readonly RolloutRecord[] }>
  /** The newest record of the scope. */
  currentRelease(scope: Scope): Promise<ReleaseRecord | undefined>
  /** The newest record of every scope. */
  currentReleases(): Promise<readonly ReleaseRecord[]>
  /** Newest first. */
  releases(scope: Scope): Promise<readonly ReleaseRecord[]>

  endRollout(end: RolloutEnd): Promise<void>
  runningRollouts(): Promise<readonly RolloutRecord[]>
  /** Newest first; at most `limit`, where it is given. */
  rollouts(key: FleetKey, limit?: number): Promise<readonly RolloutRecord[]>

  /** Inserts, or moves `lastRunAtMs` and the state forward; the first run's time is kept. */
  saveVersion(version: VersionRecord): Promise<void>
  /** Most recently run first. */
  versions(scope: Scope, service?: string): Promise<readonly VersionRecord[]>

  append(event: Omit<HistoryEvent, 'sequence'>): Promise<HistoryEvent>
  /** Ascending. */
  events(filter: EventFilter): Promise<readonly HistoryEvent[]>

  close(): Promise<void>
}
