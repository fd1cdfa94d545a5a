/** A fleet as one pass of the loop sees it: what is wanted, what there is, and what is under way. */
import type { Address } from '../model/address.ts'
import { type FleetKey, type Scope } from '../model/stack.ts'
import { shortVersion, type VersionId } from '../model/version.ts'

export type EffectKind = 'create' | 'start' | 'route' | 'unroute' | 'isolate' | 'destroy'

export interface FleetInstance {
  readonly name: string
  /** The version that it claims to be. */
  readonly version: VersionId
  /** Whether the version recomputed from what runs is the one that it claims. */
  readonly intact: boolean
  /** `gone`: only the router still knows it. */
  readonly phase: 'created' | 'running' | 'exited' | 'gone'
  readonly health: 'starting' | 'healthy' | 'unhealthy'
  /** `warm`: the router has it in a lane that gets no requests. */
  readonly rotation: 'in' | 'warm' | 'draining' | 'out'
  /** Where the router has it. */
  readonly lane?: Lane
  readonly createdAtMs: number
  readonly address?: Address
  /** The effect on it that has not come back yet. */
  readonly busy?: EffectKind
  /** What it is busy with gives its requests no time. */
  readonly isCut?: true
  /** Someone asked for a clean one in its place, or it is `due`. */
  readonly condemned: boolean
  /** It is as old as it may be. */
  readonly due?: true
  /** It looks touched, and so many others do that it is left as it is until somebody has looked; in words. */
  readonly cordon?: string
  /** It was touched (promise 4). */
  readonly taint?: Taint
  /** Its version must not run: it serves on where it does, and is not brought back. */
  readonly refused?: true
  /** It was, or may have been, told to end. */
  readonly ending: boolean
  /** What its last probe saw, or how it ended. */
  readonly detail?: string
}

/** What a touched instance waits for before it is destroyed. */
export interface Taint {
  /** How it was touched, in words. */
  readonly reason: string
  /** It is on the record: only then anything is done about it. */
  readonly isRecorded: boolean
  /** Evidence of it is kept, or can't be had. */
  readonly isCaptured: boolean
  /** Somebody opened it for a reason that is on record: its requests may finish within the drain time. */
  readonly isDrained?: true
  /** Somebody's terminal in it is open, or about to be: out of rotation, it is left as it is. */
  readonly isHeld?: true
}

/** One of the two halves of a fleet's pool: the router gives each its share of the requests. */
export type Lane = 'a' | 'b'

/** The instances of one version that a fleet is to have. */
export interface Group {
  readonly version: VersionId
  readonly lane: Lane
  readonly count: number
  /** So many of these are in the router; the others stand by. */
  readonly routed: number
  /** Whether those that are missing are made. */
  readonly isKeptWhole: boolean
}

/** What a fleet should be; a service that goes away has no replicas and no version. */
export interface FleetTarget {
  /** Where it ends, once no rollout runs. */
  readonly version: VersionId | null
  readonly replicas: number
  /** Those that must not be missing first. */
  readonly groups: readonly Group[]
  /** Instances that may run above those wanted while some are being replaced. */
  readonly surge: number
  /** The least number of ready instances (promise 3). */
  readonly floor: number
  readonly routed: boolean
  readonly drainMs: number
  /** Whether nothing of a version is made while anything of another one is there. */
  readonly isApart: boolean
  readonly share: TrafficShare
}

/** Which share of the requests one lane is to get, and from when on. */
export interface TrafficShare {
  readonly lane: Lane
  readonly thousandths: number
  /** So many healthy instances have to be in the lane first. */
  readonly needs: number
  /** And none there that is not wanted. */
  readonly isExclusive: boolean
  /** Until then, the lane keeps what it has, up to this. */
  readonly held: number
}

export interface Fleet {
  readonly key: FleetKey
  readonly target: FleetTarget
  readonly instances: readonly FleetInstance[]
  /** Before when no instance of a version is made, which is in a crash loop; absent: it is in none. */
  readonly createAfterMs: ReadonlyMap<VersionId, number>
  /** Before when nothing is made at all: so many were touched that clean ones would only feed whoever does that. */
  readonly heldUntilMs?: number
  /** How many thousandths of the requests the router gives to lane b. */
  readonly split: number
  /** And to what that was being changed when it was looked at. */
  readonly splitting?: number
}

/** The lane that gets most of the requests. */
export function mainLane(split: number): Lane {
  return split > 500 ? 'b' : 'a'
}

/** How many thousandths of the requests a lane gets. */
export function laneShare(split: number, lane: Lane): number {
  return lane === 'b' ? split : 1_000 - split
}

export function otherLane(lane: Lane): Lane {
  return lane === 'a' ? 'b' : 'a'
}

/** The group that `version` belongs to. */
export function groupOf({ groups }: Pick<FleetTarget, 'groups'>, version: VersionId): Group | undefined {
  return groups.find((group) => group.version === version)
}

/** On its way out: no decision brings it back. */
export function isLeaving(instance: FleetInstance): boolean {
  return (
    instance.taint !== undefined ||
    instance.rotation === 'draining' ||
    instance.busy === 'unroute' ||
    isEnding(instance)
  )
}

/** Is being destroyed, or was told to end by an effect of which nobody knows how far it came. */
export function isEnding(instance: FleetInstance): boolean {
  return instance.ending || instance.busy === 'destroy'
}

/** The router has it, and gives it requests or could at once. */
export function isRouted({ rotation }: FleetInstance): boolean {
  return rotation === 'in' || rotation === 'warm'
}

/** Gets requests and answers them; a fleet without routes needs no rotation for that. */
export function isReady(instance: FleetInstance, target: Pick<FleetTarget, 'routed'>): boolean {
  const inRotation = instance.rotation === 'in' || !target.routed
  return instance.phase === 'running' && instance.health === 'healthy' && inRotation && !isLeaving(instance)
}

/** Why `instance` does not belong to what `target` wants; undefined when it does. */
export function whyOutdated(instance: FleetInstance, target: FleetTarget): string | undefined {
  if (instance.taint) return instance.taint.reason
  if (instance.due) return 'it is as old as it may be'
  if (instance.condemned) return 'a clean instance was asked for'
  if (target.version === null) return 'the service goes away'
  const group = groupOf(target, instance.version)
  if (!group) return `version ${shortVersion(instance.version)} is replaced by ${shortVersion(target.version)}`
  if (instance.lane !== undefined && instance.lane !== group.lane) return 'it is among those of another version'
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
