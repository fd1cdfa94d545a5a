/** What commands answer: the `--json` shapes, which are also the API's. Stable; fields are only added. */
import type { ErrorReport, StackFilePart } from '../errors.ts'

/** There is no other kind, ever (promise 1). */
export type StepKind = 'create' | 'destroy' | 'route' | 'unroute'

export interface PlanStep {
  readonly kind: StepKind
  readonly instance?: string
  readonly reason: string
}

export interface ServicePlan {
  readonly service: string
  /** `web@4f9a1c2b`; null where none runs. */
  readonly current: string | null
  /** Null where the service goes away. */
  readonly next: string | null
  readonly steps: readonly PlanStep[]
  /** What changed between the two versions and in the release, in words: `environment.LOG_LEVEL: info → debug`. */
  readonly differences: readonly string[]
}

export interface PlanReport {
  readonly stack: string
  readonly environment: string
  readonly services: readonly ServicePlan[]
  /** The number of steps. */
  readonly changes: number
}

/** `standby`: healthy and out of rotation. `warm`: of the version before, and a switch away from serving. */
export type InstanceState =
  | 'created'
  | 'starting'
  | 'ready'
  | 'standby'
  | 'warm'
  | 'unhealthy'
  | 'draining'
  | 'stopping'
  | 'exited'

export interface InstanceStatus {
  readonly name: string
  /** `web@4f9a1c2b` */
  readonly version: string
  readonly state: InstanceState
  readonly ageSeconds: number
  /** `host:port`; null where it has none. */
  readonly address: string | null
  /** What its last probe saw, or how it ended. */
  readonly detail?: string
}

export interface RolloutStatus {
  readonly from: string | null
  readonly to: string
  readonly state: 'running' | 'succeeded' | 'aborted' | 'superseded'
  readonly startedAt: string
  readonly endedAt?: string
  readonly reason?: string
  readonly strategy?: 'rolling' | 'recreate' | 'blueGreen' | 'canary'
  /** Of a running one that moves requests by shares: which stage it is in, of how many. */
  readonly stage?: { readonly number: number; readonly of: number }
  /** The percentage of the requests that the new version gets now; absent where requests go to whichever instance. */
  readonly share?: number
  readonly pausedAt?: string
  /** The services that it waits for. */
  readonly waitsFor?: readonly string[]
}

export interface ServiceStatus {
  readonly service: string
  readonly version: string | null
  readonly desired: number
  /** Instances of `version` that serve. */
  readonly ready: number
  /** All that serve, of whichever version. */
  readonly serving: number
  readonly instances: readonly InstanceStatus[]
  /** The running rollout, or an aborted last one. */
  readonly rollout?: RolloutStatus
  /** What can be switched back to, and until when. */
  readonly warm?: { readonly version: string; readonly until: string }
  /** A crash loop: deaths in a row, and when the next instance is made. */
  readonly backoff?: { readonly failures: number; readonly nextTryAt: string; readonly lastExit?: string }
}

export interface EnvironmentStatus {
  readonly stack: string
  readonly environment: string
  readonly services: readonly ServiceStatus[]
  readonly routes: readonly { readonly url: string; readonly service: string }[]
  /** Why the last look at engine or router failed; absent when all is well. */
  readonly problems?: readonly ErrorReport[]
}

export interface ControllerStatus {
  readonly pid: number
  readonly socket: string
  /** The address of its engine, as DOCKER_HOST had it when it started. */
  readonly engine?: string
}

export type StatusReport = EnvironmentStatus & { readonly controller: ControllerStatus }

/** Who refused something, when and why. */
export interface RefusalReport {
  readonly id: number
  readonly kind: 'version' | 'image' | 'label'
  /** `web@4f9a1c2b`, `sha256:…` or `team=shop`. */
  readonly what: string
  /** Absent: whichever service. */
  readonly service?: string
  readonly reason: string
  readonly by: string
  readonly at: string
  readonly isRecall?: true
  /** It does not count any more. */
  readonly lifted?: { readonly by: string; readonly reason: string; readonly at: string }
}

export interface RefusalsReport {
  readonly stack: string
  readonly environment: string
  /** Newest first, lifted ones too. */
  readonly refusals: readonly RefusalReport[]
}

export interface RefuseReport {
  readonly ok: true
  /** Whether it was not so already. */
  readonly changed: boolean
  readonly refusal: RefusalReport
  /** The versions that it is about and that run, and serve on. */
  readonly runs: readonly string[]
}

export interface LiftReport {
  readonly ok: true
  readonly changed: boolean
  readonly refusal: RefusalReport
  /** Other refusals of the same, which still count. */
  readonly others: readonly number[]
}

export interface VersionsReport {
  readonly service: string
  readonly versions: readonly {
    readonly version: string
    readonly image: string
    readonly digest: string
    readonly firstRunAt: string
    readonly lastRunAt: string
    /** `current` runs now; `refused` must not run; the others are what their last rollout showed. */
    readonly state: 'current' | 'refused' | 'proven' | 'unproven' | 'failed'
    /** Why it must not run; the current one serves on all the same. */
    readonly refusal?: RefusalReport
  }[]
}

export interface DriftFinding {
  readonly kind: 'instance' | 'route' | 'server' | 'network' | 'foreign'
  readonly object: string
  readonly message: string
}

export interface DriftReport {
  readonly stack: string
  readonly environment: string
  readonly findings: readonly DriftFinding[]
}

/** The verdict of `up`, `rollback`, `recall`, `replace` and `down`: the last line of their output. */
export interface ResultReport {
  readonly ok: boolean
  readonly services: readonly Pick<ServiceStatus, 'service' | 'version' | 'ready' | 'serving'>[]
  /** Whether anything had to be done. */
  readonly changed: boolean
  readonly code?: string
  readonly message?: string
  readonly hint?: string
  /** What the message is about, and where the stack file has it. */
  readonly about?: StackFilePart
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** The last log lines of the instance that failed. */
  readonly logs?: readonly string[]
}

/** One line while a command runs. */
export type ProgressReport =
  | { readonly kind: 'image'; readonly service: string; readonly message: string }
  | { readonly kind: 'plan'; readonly plan: PlanReport }
  | {
      readonly kind: 'step'
      readonly step: string
      readonly service: string
      readonly instance: string
      readonly message: string
    }
  | { readonly kind: 'fleet'; readonly services: readonly ServiceStatus[] }
  | { readonly kind: 'lock'; readonly lock: unknown }
  | { readonly kind: 'result'; readonly result: ResultReport }
  | { readonly kind: 'error'; readonly error: ErrorReport }
