/** What one stack file says about one environment: parsed, defaulted and valid, images not yet resolved. */
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

export interface RolloutPolicy {
  readonly strategy: 'rolling'
  /** How many instances above the replicas a rollout may run; a share rounds up. */
  readonly maxSurge: Quantity
  /** How many of the replicas may be missing during a rollout; a share rounds down. */
  readonly maxUnavailable: Quantity
  /** How long a rollout may go without a further instance becoming ready. */
  readonly deadlineMs: number
}

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
  readonly replicas: number
  readonly rollout: RolloutPolicy
  /** How long requests may take to finish, and then the process to end after SIGTERM. */
  readonly drainMs: number
}

export interface Stack {
  readonly stack: string
  readonly environment: string
  readonly services: Readonly<Record<string, ServiceSpec>>
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
