/** A fleet as one pass of the loop sees it: what is wanted, what there is, and what is under way. */
import type { Address } from '../model/address.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type FleetKey, resolveQuantity, type Scope } from '../model/stack.ts'
import { shortVersion, type VersionId } from '../model/version.ts'

export type EffectKind = 'create' | 'start' | 'route' | 'unroute' | 'destroy'

export interface FleetInstance {
  readonly name: string
  /** The version that it claims to be. */
  readonly version: VersionId
  /** Whether the version recomputed from what runs is the one that it claims. */
  readonly intact: boolean
  /** `gone`: only the router still knows it. */
  readonly phase: 'created' | 'running' | 'exited' | 'gone'
  readonly health: 'starting' | 'healthy' | 'unhealthy'
  readonly rotation: 'in' | 'draining' | 'out'
  readonly createdAtMs: number
  readonly address?: Address
  /** The effect on it that has not come back yet. */
  readonly busy?: EffectKind
  /** Someone asked for a clean one in its place. */
  readonly condemned: boolean
  /** It was, or may have been, told to end. */
  readonly ending: boolean
  /** What its last probe saw, or how it ended. */
  readonly detail?: string
}

/** What a fleet should be; a service that goes away has no replicas and no version. */
export interface FleetTarget {
  readonly version: VersionId | null
  readonly replicas: number
  /** Instances that may run above the replicas while some are being replaced. */
  readonly surge: number
  /** The least number of ready instances (promise 3). */
  readonly floor: number
  readonly routed: boolean
  readonly drainMs: number
}

export interface Fleet {
  readonly key: FleetKey
  readonly target: FleetTarget
  readonly instances: readonly FleetInstance[]
  /** No instance is made before this time: a crash loop. */
  readonly createAfterMs: number
}

/** The target for `service`; null: the service goes away, as it was last released. */
export function fleetTarget(service: ServiceRelease): FleetTarget {
  const { replicas, rollout } = service
  const unavailable = resolveQuantity(rollout.maxUnavailable, replicas, 'down')
  return {
    version: service.version,
    replicas,
    surge: resolveQuantity(rollout.maxSurge, replicas, 'up'),
    floor: Math.max(0, replicas - unavailable),
    routed: service.routes.length > 0,
    drainMs: service.drainMs,
  }
}

/** The target of a fleet that is to end; `drainMs` is that of the service while it lived. */
export function endedTarget(drainMs: number): FleetTarget {
  return { version: null, replicas: 0, surge: 0, floor: 0, routed: true, drainMs }
}

/** On its way out: no decision brings it back. */
export function isLeaving(instance: FleetInstance): boolean {
  return instance.rotation === 'draining' || instance.busy === 'unroute' || isEnding(instance)
}

/** Is being destroyed, or was told to end by an effect of which nobody knows how far it came. */
export function isEnding(instance: FleetInstance): boolean {
  return instance.ending || instance.busy === 'destroy'
}

/** Gets requests and answers them; a fleet without routes needs no rotation for that. */
export function isReady(instance: FleetInstance, target: Pick<FleetTarget, 'routed'>): boolean {
  const inRotation = instance.rotation === 'in' || !target.routed
  return instance.phase === 'running' && instance.health === 'healthy' && inRotation && !isLeaving(instance)
}

/** Why `instance` does not belong to what `target` wants; undefined when it does. */
export function whyOutdated(instance: FleetInstance, target: FleetTarget): string | undefined {
  if (instance.condemned) return 'a clean instance was asked for'
  if (target.version === null) return 'the service goes away'
  if (instance.version !== target.version)
    return `version ${shortVersion(instance.version)} is replaced by ${shortVersion(target.version)}`
  if (!instance.intact) return 'what runs is not the version that it claims to be'
  if (instance.health === 'unhealthy') return `unhealthy${instance.detail ? `: ${instance.detail}` : ''}`
  return undefined
}

/** `stack-env-service-version8-n` */
export function instanceName(key: FleetKey, version: VersionId, ordinal: number): string {
  return `${instancePrefix(key)}-${shortVersion(version)}-${ordinal}`
}

/** `stack-env-service`: what two fleets must not have in common, since names may hold dashes. */
export function instancePrefix(key: FleetKey): string {
  return `${scopePrefix(key)}-${key.service}`
}

/** `stack-env`, as in the name of a network. */
export function scopePrefix({ stack, environment }: Scope): string {
  return `${stack}-${environment}`
}
