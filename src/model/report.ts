/** What commands answer: the `--json` shapes, which are also the API's. Stable; fields are only added. */
import type { Sense } from './touch.ts'
import type { ErrorReport, StackFilePart } from '../errors.ts'
import type { ImageDigest } from './version.ts'
import type { Touch } from './touch.ts'

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
  /** Where it was asked for. */
  readonly timeline?: TimelineReport
}

/** What `up` is expected to do over time, simulated with observed times. */
export interface TimelineReport {
  /** The services that something happens to. */
  readonly services: readonly ServiceTimeline[]
  /** Until the last rollout has ended. */
  readonly durationMs: number
  /** It takes too many steps to be simulated: what comes after the last points is missing. */
  readonly isCut?: true
}

export interface ServiceTimeline {
  readonly service: string
  /** `web@4f9a1c2b`; null where none runs. */
  readonly from: string | null
  /** Null where the service goes away. */
  readonly to: string | null
  /** Absent where the service goes away. */
  readonly strategy?: RolloutStrategy
  readonly replicas: number
  /** The least number of ready instances. */
  readonly floor: number
  /** Until its rollout has ended; what is kept warm may stay for longer. */
  readonly durationMs: number
  /** Absent where no rollout runs, or where it has not ended by the last point: it waits for one that does not end. */
  readonly outcome?: 'succeeded' | 'aborted'
  /** How things stand now, and then whenever something happens; each holds until the next one. */
  readonly points: readonly TimelinePoint[]
  readonly assumptions: readonly TimelineAssumption[]
}

export interface TimelinePoint {
  /** Since `up` has decided. */
  readonly atMs: number
  /** Empty in the first point. */
  readonly events: readonly TimelineEvent[]
  /** All instances that serve: the capacity. */
  readonly ready: number
  /** Those that have instances: the new one last. */
  readonly versions: readonly VersionShare[]
}

export interface TimelineEvent {
  readonly kind:
    | 'waiting'
    | 'started'
    | 'standby'
    | 'ready'
    | 'share'
    | 'held'
    | 'leaving'
    | 'gone'
    | 'succeeded'
    | 'cooled'
    | 'aborted'
  readonly message: string
}

export interface VersionShare {
  readonly version: string
  /** Instances that serve. */
  readonly ready: number
  /** Made, or being made, and not healthy yet. */
  readonly starting: number
  /** Healthy, and without requests: the fleet of the other version, or a standby. */
  readonly warm: number
  /** They finish what they have, or end. */
  readonly leaving: number
  /** Of the requests, from 0 to 1; all are 0 while nothing serves. */
  readonly share: number
}

/** What a timeline takes for given. */
export interface TimelineAssumption {
  readonly what: 'start' | 'drain' | 'end' | 'requests'
  /** How long it takes; absent for requests. */
  readonly ms?: number
  /** Where that comes from: `median of 5 starts observed`. */
  readonly basis: string
}

export type RolloutStrategy = 'rolling' | 'recreate' | 'blueGreen' | 'canary'

/**
 * `standby`: healthy and out of rotation. `warm`: of the version before, and a switch away from serving. `tainted`: it was
 * touched, and is on its way out. `cordoned`: it looks touched, and so many do that it is left as it is.
 */
export const instanceStates = [
  'created',
  'starting',
  'ready',
  'standby',
  'warm',
  'unhealthy',
  'tainted',
  'cordoned',
  'draining',
  'stopping',
  'exited',
] as const

export type InstanceState = (typeof instanceStates)[number]

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
  readonly strategy?: RolloutStrategy
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
  /** `version` must not run: what runs of it serves on, and no further instance is made. */
  readonly refusal?: RefusalReport
  /** A crash loop: deaths in a row, and when the next instance is made. */
  readonly backoff?: { readonly failures: number; readonly nextTryAt: string; readonly lastExit?: string }
  /** The greatest age of any instance that serves; absent where none does. */
  readonly exposureSeconds?: number
  /** Instances that are older than they may be. */
  readonly overdue?: readonly string[]
  /** So many were touched that the service is held; until somebody acknowledges it. */
  readonly escalation?: { readonly at: string; readonly message: string; readonly heldUntil?: string }
}

/** How safe the environment is from what touches instances, and for how long somebody may stay unseen. */
export interface GuardStatus {
  /** From a touch until nothing touched serves and as many serve as should: the newest one, and the median, in milliseconds. */
  readonly tamperToClean?: { readonly lastMs: number; readonly medianMs: number; readonly count: number }
  /** The greatest age of any instance that serves. */
  readonly exposureSeconds?: number
  /** What is not seen here, and why. */
  readonly unseen: readonly Sense[]
  /** So many instances look touched at once that nothing is done to them until somebody acknowledges it. */
  readonly suspicion?: { readonly at: string; readonly message: string }
}

export interface EnvironmentStatus {
  readonly stack: string
  readonly environment: string
  readonly services: readonly ServiceStatus[]
  readonly routes: readonly { readonly url: string; readonly service: string }[]
  /** Absent while nothing runs. */
  readonly guard?: GuardStatus
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
  readonly kind: 'version' | 'image' | 'label' | 'base' | 'package'
  /** `web@4f9a1c2b`, `sha256:…`, `team=shop`, `debian:12` or `openssl@3.0.11-1`. */
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
  /** Of a base or a package: the images that don't say whether they have it. */
  readonly unjudged?: readonly UnjudgedImage[]
}

/** An image that can't be judged by what it holds: the refusal does not keep it from running. */
export interface UnjudgedImage {
  readonly image: ImageDigest
  /** What is made of it here: `web@4f9a1c2b`. */
  readonly versions: readonly string[]
  readonly why: string
}

export interface LiftReport {
  readonly ok: true
  readonly changed: boolean
  readonly refusal: RefusalReport
  /** Other refusals of the same, which still count. */
  readonly others: readonly number[]
}

/** An instance that somebody opened. */
export interface AccessReport {
  /** Names its recording. */
  readonly id: number
  readonly instance: string
  readonly by: string
  readonly at: string
  readonly reason: string
  /** How it ended, and after how long; absent: it is open. */
  readonly end?: string
  /** Of its recording. */
  readonly digest?: string
}

export interface AcknowledgeReport {
  readonly ok: true
  /** Whether anything waited for it. */
  readonly changed: boolean
  /** The services that are not held any longer. */
  readonly escalated: readonly string[]
  /** The instances that are replaced since the sensor is not suspected any longer. */
  readonly replaced: readonly string[]
}

/** A bundle of evidence. */
export interface EvidenceReport {
  /** `sha256:…` */
  readonly digest: string
  readonly stack: string
  readonly environment: string
  readonly service: string
  readonly instance: string
  /** `web@4f9a1c2b` */
  readonly version: string
  readonly at: string
  readonly bytes: number
  readonly touches: readonly Touch[]
  /** What should be in it and is not. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[]
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
    /**
     * What a way back to it takes: `warm`: requests move, `cold`: instances are made, `gone`: the engine has its image no
     * more. Absent for the current one, and while the engine can't be asked.
     */
    readonly wayBack?: 'warm' | 'cold' | 'gone'
    /** How an instance of it did that was started aside last. */
    readonly rehearsal?: { readonly at: string; readonly passed: boolean; readonly message: string }
    /** Why it must not run; the current one serves on all the same. */
    readonly refusal?: RefusalReport
  }[]
}

export interface DriftFinding {
  /** The same as long as it is the same finding: `network.setting:repave-shop-default/internal`. */
  readonly id: string
  readonly kind: 'instance' | 'route' | 'server' | 'network' | 'foreign' | 'firewall' | 'exception'
  readonly object: string
  readonly message: string
  readonly expected: string
  readonly actual: string
  /** What puts it right: what the controller does by itself, or what people have to do. */
  readonly remedy: string
}

/** A finding that is accepted for a time. */
export interface DriftException {
  /** A finding's kind or id; `*` in an id stands for anything. */
  readonly what: string
  readonly reason: string
  /** The last day on which it counts: `2027-01-31`, in UTC. */
  readonly until: string
}

export interface DriftReport {
  readonly stack: string
  readonly environment: string
  readonly findings: readonly DriftFinding[]
  /** What is accepted, and by which exception. */
  readonly accepted?: readonly { readonly finding: DriftFinding; readonly exception: DriftException }[]
  /** Exceptions that nothing needs now. */
  readonly unused?: readonly DriftException[]
  /** What could not be looked at. */
  readonly unseen?: readonly { readonly what: string; readonly why: string }[]
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
  /** Of a recall of a base or a package: the images that don't say whether they have it. */
  readonly unjudged?: readonly UnjudgedImage[]
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
