/** What one stack file says about one environment: parsed, defaulted and valid, images not yet resolved. */
import type { Webhook } from './notification.ts'
import type { Health, Resources } from './version.ts'

/** Where the content of a service comes from. Paths are absolute. */
export type ImageSource =
  | { readonly kind: 'reference'; readonly reference: string }
  | {
      readonly kind: 'build'
      readonly dockerfile: string
      readonly context: string
      readonly arguments: Readonly<Record<string, string>>
    }

/** A request that matches is sent to the service's instances; the longest path wins. */
export interface Route {
  readonly listen: { readonly address: string; readonly port: number }
  /** Lower case, without a port; absent: any host that no other route names. */
  readonly host?: string
  /** A prefix in whole segments, starting with `/`. */
  readonly path: string
  readonly tls?: { readonly certificate: string; readonly key: string }
}

/** A number of instances, or a share of the replicas between 0 and 1. */
export type Quantity =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly share: number }

/** How a new version takes over. */
export type RolloutPolicy = RollingPolicy | RecreatePolicy | BlueGreenPolicy | CanaryPolicy

interface RolloutPolicyBase {
  /** How many instances above the replicas a rollout may run; a share rounds up. */
  readonly maxSurge: Quantity
  /** How many of the replicas may be missing during a rollout; a share rounds down. */
  readonly maxUnavailable: Quantity
  /** How long a rollout may go without a further instance becoming ready. */
  readonly deadlineMs: number
  /** Absent: that its instances are ready is enough. */
  readonly verdict?: VerdictPolicy
  /** A pause that lasts longer is ended by an abort. Absent: `defaultMaxPauseMs`. */
  readonly maxPauseMs?: number
}

/** Some instances at a time, new ones first. */
export interface RollingPolicy extends RolloutPolicyBase {
  readonly strategy: 'rolling'
}

/** The old instances end before the new ones begin. */
export interface RecreatePolicy extends RolloutPolicyBase {
  readonly strategy: 'recreate'
}

/** The whole new fleet, and then all requests at once. */
export interface BlueGreenPolicy extends RolloutPolicyBase {
  readonly strategy: 'blueGreen'
  /** How long the old fleet stays ready for a way back. */
  readonly keepWarmMs: number
}

/** A growing share of the requests. */
export interface CanaryPolicy extends RolloutPolicyBase {
  readonly strategy: 'canary'
  readonly keepWarmMs: number
  readonly steps: readonly CanaryStep[]
}

export interface CanaryStep {
  /** Of the requests, above 0 and below 1; each step's is greater than that before. */
  readonly share: number
  readonly holdMs: number
  /** The least number of answers of the new version. */
  readonly requests: number
}

/** What the new version is judged by, beside the old one. */
export interface VerdictPolicy {
  /** How long every instance is watched, also after it was promoted. */
  readonly windowMs: number
  /** The least number of answers of the new version before it can pass; 0: none are needed. */
  readonly requests: number
  /** Whether its share of failed answers may not be greater. */
  readonly errors: boolean
  /** How many times the old version's share of answers slower than its percentile is borne. */
  readonly latency?: { readonly percentile: number; readonly tolerance: number }
  readonly prometheus?: readonly PrometheusGate[]
}

/** A query whose answer has to be within limits. */
export interface PrometheusGate {
  readonly name: string
  readonly url: string
  readonly query: string
  readonly min?: number
  readonly max?: number
}

/** How old an instance may become. */
export interface Lifetime {
  readonly maxMs: number
  /** How much earlier it may be replaced, as a share of that: what was born together does not end together. */
  readonly jitter: number
}

/** What follows when instances of a service are touched again and again. */
export interface EscalationPolicy {
  /** So many touched instances … */
  readonly after: number
  /** … within so long. */
  readonly withinMs: number
  /**
   * `hold`: the version stays, a rollout is taken back, and new instances come slowly. `rollback`: also the version goes.
   * `tighten`: also every instance is replaced by one that gets no more than `limits`.
   */
  readonly action: 'hold' | 'rollback' | 'tighten'
  /** With `tighten`; what is absent stays as it is. */
  readonly limits?: Partial<Resources>
}

export interface GuardPolicy {
  /** Absent: `defaultEscalation`. */
  readonly escalation?: EscalationPolicy
  /** Whether evidence holds what processes have written to their memory. */
  readonly memory?: true
}

export const defaultLifetime: Lifetime = { maxMs: 86_400_000, jitter: 0.1 }
export const defaultEscalation: EscalationPolicy = { after: 3, withinMs: 600_000, action: 'hold' }
export const defaultMaxPauseMs = 3_600_000
export const defaultHistory = 10

export interface ServiceSpec {
  readonly image: ImageSource
  /** Absent: the image's entrypoint and command. */
  readonly command?: readonly string[]
  /** Added to the image's environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Absent: the image's user, or 65532 where that is root. */
  readonly user?: string
  readonly port?: number
  readonly routes: readonly Route[]
  readonly health: Health
  readonly resources: Resources
  readonly tmpfs: readonly string[]
  /** Named volumes, by name the absolute path of each. Absent: none. */
  readonly data?: Readonly<Record<string, string>>
  readonly replicas: number
  /** Healthy instances out of rotation, ready to step in. Absent: none. */
  readonly standby?: number
  readonly rollout: RolloutPolicy
  /** Services that have to be ready before this one is rolled out. Absent: none. */
  readonly dependsOn?: readonly string[]
  /** How many versions are kept as a way back. Absent: `defaultHistory`. */
  readonly history?: number
  /** How often old versions are started aside, to know that they would. Absent: never. */
  readonly rehearsal?: { readonly everyMs: number }
  /** Absent: `defaultLifetime`. */
  readonly lifetime?: Lifetime
  /** The only programs that may run, sorted. Absent: those of the image. */
  readonly executables?: readonly string[]
  /** What follows touches, and what is kept of them. */
  readonly guard?: GuardPolicy
  /** How long requests may take to finish, and then the process to end after SIGTERM. */
  readonly drainMs: number
}

export interface Stack {
  readonly stack: string
  readonly environment: string
  readonly services: Readonly<Record<string, ServiceSpec>>
  /** What goes back when a rollout fails. Absent: all that was decided together. */
  readonly rollback?: 'service'
  /** Who is told of what happens. Absent: nobody. */
  readonly notifications?: readonly Webhook[]
}

/** Which fleet an object belongs to. */
export interface FleetKey {
  readonly stack: string
  readonly environment: string
  readonly service: string
}

/** Which network an instance lives in: one for each environment of a stack. */
export type Scope = Pick<FleetKey, 'stack' | 'environment'>

/** `stack/environment/service`; none of the three can hold a slash. */
export function fleetName(key: FleetKey): string {
  return `${key.stack}/${key.environment}/${key.service}`
}

export function scopeName(scope: Scope): string {
  return `${scope.stack}/${scope.environment}`
}

/** The number of instances that `quantity` means for a fleet of `replicas`. */
export function resolveQuantity(quantity: Quantity, replicas: number, round: 'up' | 'down'): number {
  if (quantity.kind === 'count') return quantity.count
  const exact = quantity.share * replicas
  return round === 'up' ? Math.ceil(exact - 1e-9) : Math.floor(exact + 1e-9)
}
