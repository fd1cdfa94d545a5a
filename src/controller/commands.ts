/** What the controller can be asked: the API serves it over a socket, the simulator calls it directly. */
import type { Readable } from 'node:stream'
import type { TerminalSize } from '../engine/terminal.ts'
import type { ErrorReport } from '../errors.ts'
import type { Lock } from '../image/lock.ts'
import type {
  AccessReport,
  AcknowledgeReport,
  ControllerStatus,
  DriftException,
  DriftReport,
  EvidenceReport,
  PlanReport,
  LiftReport,
  ProgressReport,
  RefusalsReport,
  RefuseReport,
  StatusReport,
  VersionsReport,
} from '../model/report.ts'
import type { RefusedName } from '../model/refusal.ts'
import type { Scope, Stack } from '../model/stack.ts'
import type { MetricFamily } from '../model/metric.ts'
import type { SteerVerb } from '../model/steering.ts'
import type { EntryFilter, RecordedEntry } from '../store/store.ts'
import type { LogLine, LogOptions } from '../engine/engine.ts'

/** Who asks, for the record. */
export interface Caller {
  readonly by: string
}

export interface UpRequest extends Caller {
  readonly stack: Stack
  readonly lock: Lock
  /** Resolve every image name again instead of trusting the lock. */
  readonly refresh?: boolean
}

export interface PlanRequest extends UpRequest {
  /** Asks for the timeline too. */
  readonly timeline?: TimelineRequest
}

export interface TimelineRequest {
  /** How many requests each service gets; absent: as many as its rollout needs. */
  readonly requestsPerSecond?: number
}

export interface RollbackRequest extends Scope, Caller {
  /** Absent: those of the current release that the last change concerned. One that is not in it is brought back where it is named. */
  readonly service?: string
  /** A version's name, id or prefix; absent: the newest proven version that is not the current one. */
  readonly to?: string
}

export interface ReplaceRequest extends Scope, Caller {
  readonly instance: string
}

/** Absent service: all that there are. */
export interface RepaveRequest extends Scope, Caller {
  readonly service?: string
}

export interface AcknowledgeRequest extends Scope, Caller {
  readonly service?: string
  readonly reason: string
}

export interface AccessRequest extends Scope, Caller {
  readonly instance: string
  readonly reason: string
  readonly command: readonly string[]
  /** How long the terminal may be open. */
  readonly forMs: number
  readonly size: TerminalSize
}

/** What whoever sits at a terminal does. */
export type AccessInput =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'resize'; readonly size: TerminalSize }

/** What they are told; `closed` or `error` is the last. */
export type AccessEvent =
  | { readonly kind: 'step'; readonly message: string }
  | { readonly kind: 'opened'; readonly id: number }
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | {
      readonly kind: 'closed'
      readonly id: number
      readonly message: string
      readonly exitCode?: number
      readonly digest?: string
    }
  | { readonly kind: 'error'; readonly error: ErrorReport }

/** The other end of a terminal. */
export interface AccessLink {
  readonly tell: (event: AccessEvent) => void
  /** Ends when they have left. */
  readonly input: AsyncIterable<AccessInput>
}

export interface RefuseRequest extends Scope, Caller {
  readonly what: RefusedName
  readonly reason: string
}

export interface LiftRequest extends Scope, Caller {
  readonly id: number
  readonly reason: string
}

export interface DownRequest extends Scope, Caller {
  /** The volumes go too, for good. */
  readonly data?: boolean
}

export interface SteerRequest extends Scope, Caller {
  readonly verb: SteerVerb
  /** Absent: all services whose rollouts run. */
  readonly service?: string
}

export interface DriftRequest extends Scope {
  /** What is known and accepted; it changes what is reported, and nothing else. */
  readonly exceptions?: readonly DriftException[]
}

export interface LogsRequest extends Scope, Omit<LogOptions, 'signal'> {
  readonly service: string
}

export type EventsRequest = Omit<EntryFilter, 'kinds'>

/**
 * Methods that do long work yield progress; the last value is a `result`, or an `error` for a request that
 * could not be taken, which has changed nothing. It goes on when `client` aborts, since whoever asked has left; another
 * command may then take its place.
 */
export interface Commands {
  info(): ControllerStatus
  plan(request: PlanRequest): Promise<{ readonly plan: PlanReport; readonly lock: Lock }>
  up(request: UpRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  rollback(request: RollbackRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  replace(request: ReplaceRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  /** Replaces every instance, whatever its age. */
  repave(request: RepaveRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  /** Ends an escalation, and a suspicion: somebody has looked. */
  acknowledge(request: AcknowledgeRequest): Promise<AcknowledgeReport>
  /** Gives an instance up for good, and opens a recorded terminal in it. Resolves once that is closed. */
  access(request: AccessRequest, link: AccessLink): Promise<void>
  /** Newest first. */
  accesses(scope: Scope): Promise<readonly AccessReport[]>
  down(request: DownRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  /** Steers running rollouts. */
  steer(request: SteerRequest): AsyncIterable<ProgressReport>
  /** Keeps something from running: what runs of it serves on, and no further instance of it is made. */
  refuse(request: RefuseRequest): Promise<RefuseReport>
  lift(request: LiftRequest): Promise<LiftReport>
  refusals(scope: Scope): Promise<RefusalsReport>
  /** Refuses, and puts the newest proven version that may run in the place of what runs of it. */
  recall(request: RefuseRequest, client?: AbortSignal): AsyncIterable<ProgressReport>
  /** All environments, or those that match. */
  status(filter: Partial<Scope>): Promise<readonly StatusReport[]>
  versions(scope: Scope, service?: string): Promise<readonly VersionsReport[]>
  drift(request: DriftRequest): Promise<DriftReport>
  /** What is kept of touched instances, newest first; of all environments, or of those that match. */
  evidence(filter: Partial<Scope>): Promise<readonly EvidenceReport[]>
  /** One bundle. */
  readEvidence(digest: string): Promise<Readable>
  logs(request: LogsRequest, signal: AbortSignal): AsyncIterable<LogLine>
  /** With `follow`, goes on until the signal aborts. */
  events(request: EventsRequest, follow: boolean, signal: AbortSignal): AsyncIterable<RecordedEntry>
  /** Numbers about all that there is, for whoever looks at them over time. */
  metrics(): Promise<readonly MetricFamily[]>
}
