/** From what one pass observed to fleets: pure. */
import type { EngineState, ObservedInstance } from '../engine/engine.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import type { EffectKind, Fleet, FleetInstance, FleetTarget, Taint } from '../plan/fleet.ts'
import { endedTarget, fleetTarget, type RolloutPosition } from '../plan/target.ts'
import { poolName, type PoolName, type RouterServer, type RouterState } from '../router/router.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { ReleaseRecord } from '../store/store.ts'
import type { VersionId } from '../model/version.ts'
import type { HealthState } from './health.ts'
import { own as ofService } from '../model/own.ts'

/** An effect that has not come back. */
export interface UnderWay {
  readonly key: FleetKey
  readonly instance: string
  readonly kind: EffectKind
  /** Its requests get no time. */
  readonly isCut?: true
  /** For a create: the version that will appear. */
  readonly version?: VersionId
}

/** What the controller remembers from pass to pass; it converges without any of it. */
export interface Remembered {
  health(instance: ObservedInstance): HealthState
  /** The engine's words for an instance that it could not start. */
  cannotRun(instance: string): string | undefined
  isCondemned(instance: string): boolean
  isEnding(instance: string): boolean
  /** How an instance was touched, and what it waits for; undefined: it was not, or nothing follows from it yet. */
  taint(instance: string): Taint | undefined
  cordon(instance: string): string | undefined
  /** Those of a fleet that are as old as they may be. */
  due(key: FleetKey, instances: readonly ObservedInstance[]): ReadonlySet<string>
  /** Before when nothing is made for a fleet, on the steady clock. */
  heldUntilMs(key: FleetKey): number | undefined
  createAfterMs(key: FleetKey): Fleet['createAfterMs']
  /** How far the running rollout of a fleet has come; undefined where none runs. */
  position(key: FleetKey): RolloutPosition | undefined
  /** What a fleet ran before, kept warm for a way back. */
  warm(key: FleetKey): VersionId | undefined
  /** An earlier version that is tried aside. */
  rehearsed(key: FleetKey): VersionId | undefined
  /** Whether no further instance of a version may be made. */
  isRefused(key: FleetKey, version: VersionId): boolean
  /** The drain time of a service that is not in the release any more. */
  endedDrainMs(key: FleetKey): number
}

export interface Sight {
  readonly engine: EngineState
  readonly router: RouterState
  /** Taken before engine and router were asked, so that nothing that ended meanwhile is judged by its old looks. */
  readonly underWay: readonly UnderWay[]
  /** Splits that were being changed then, and to what. */
  readonly splitting: ReadonlyMap<PoolName, number>
  /** The pools that the router was being given then; absent: it was given none. */
  readonly configuring?: ReadonlySet<PoolName>
}

export interface ScopeView {
  readonly scope: Scope
  readonly record: ReleaseRecord
  readonly fleets: readonly Fleet[]
}

/** A view for every environment that a release is recorded for; others are not ours to act on. */
export function viewScopes(
  records: readonly ReleaseRecord[],
  sight: Sight,
  remembered: Remembered,
): readonly ScopeView[] {
  const instances = Map.groupBy(sight.engine.instances, fleetName)
  const servers = Map.groupBy(sight.router.servers, (server) => server.pool)
  const underWay = Map.groupBy(sight.underWay, ({ key }) => fleetName(key))
  const beingMade = Map.groupBy(
    sight.underWay.filter(({ kind }) => kind === 'create'),
    ({ key }) => scopeName(key),
  )
  const observedScopes = Map.groupBy(sight.engine.instances, scopeName)

  return records.map((record) => {
    const scope: Scope = { stack: record.release.stack, environment: record.release.environment }
    const services = new Set([
      ...Object.keys(record.release.services),
      ...(observedScopes.get(scopeName(scope)) ?? []).map(({ service }) => service),
      ...servers.keys().flatMap((pool) => serviceOf(pool, scope)),
      // What is being made for a service that went away is not to be seen yet.
      ...(beingMade.get(scopeName(scope)) ?? []).map(({ key }) => key.service),
    ])
    const fleets = [...services].toSorted().map((service): Fleet => {
      const key: FleetKey = { ...scope, service }
      const released = ofService(record.release.services, service)
      const split = sight.router.splits.get(poolName(key)) ?? 0
      const own = instances.get(fleetName(key)) ?? []
      const parts = {
        instances: own,
        due: remembered.due(key, own),
        servers: servers.get(poolName(key)) ?? [],
        underWay: underWay.get(fleetName(key)) ?? [],
      }
      const found = { instances: viewInstances(parts, split, remembered), split }
      const target = released ? liveTarget(key, released, found, remembered) : endedTarget(remembered.endedDrainMs(key))
      const splitting = sight.splitting.get(poolName(key))
      const createAfterMs = remembered.createAfterMs(key)
      const heldUntilMs = remembered.heldUntilMs(key)
      const held = heldUntilMs === undefined ? {} : { heldUntilMs }
      return { key, target, ...found, createAfterMs, ...held, ...(splitting !== undefined && { splitting }) }
    })
    return { scope, record, fleets }
  })
}

function liveTarget(
  key: FleetKey,
  released: ServiceRelease,
  found: Pick<Fleet, 'instances' | 'split'>,
  remembered: Remembered,
): FleetTarget {
  const rollout = remembered.position(key)
  const [warm, rehearsed] = [remembered.warm(key), remembered.rehearsed(key)]
  const target = fleetTarget(released, {
    ...found,
    ...(rollout && { rollout }),
    ...(warm !== undefined && { warm }),
    ...(rehearsed !== undefined && { rehearsed }),
  })
  const groups = target.groups.map((group) =>
    remembered.isRefused(key, group.version) ? { ...group, isKeptWhole: false } : group,
  )
  return { ...target, groups }
}

function serviceOf(pool: string, scope: Scope): readonly string[] {
  const [stack, environment, service] = pool.split('.')
  return stack === scope.stack && environment === scope.environment && service ? [service] : []
}

interface FleetParts {
  readonly instances: readonly ObservedInstance[]
  readonly servers: readonly RouterServer[]
  readonly underWay: readonly UnderWay[]
  readonly due: ReadonlySet<string>
}

function viewInstances(
  { instances, servers, underWay, due }: FleetParts,
  split: number,
  remembered: Remembered,
): readonly FleetInstance[] {
  const known = new Set(instances.map(({ name }) => name))
  const serverOf = new Map(servers.map((server) => [server.instance, server]))
  const busyWith = new Map(underWay.map((effect) => [effect.instance, effect]))
  return [
    ...instances.map((instance) => {
      const { name } = instance
      const place = { server: serverAt(instance, serverOf.get(name)), split }
      const seen = viewInstance(instance, place, busyWith.get(name), remembered)
      return due.has(name) ? { ...seen, condemned: true, due: true as const } : seen
    }),
    ...servers
      .filter((server) => !known.has(server.instance))
      .map((server) => ghost(server, split, busyWith.get(server.instance))),
    ...underWay.filter((effect) => effect.kind === 'create' && !known.has(effect.instance)).map(expected),
  ]
}

/** One that sends requests elsewhere is none of the instance's: it is to get another. */
function serverAt({ address }: ObservedInstance, server: RouterServer | undefined): RouterServer | undefined {
  if (!server || !address || server.state === 'draining') return server
  return server.address.host === address.host && server.address.port === address.port ? server : undefined
}

function viewInstance(
  instance: ObservedInstance,
  { server, split }: { readonly server: RouterServer | undefined; readonly split: number },
  effect: UnderWay | undefined,
  remembered: Remembered,
): FleetInstance {
  const { name, claimed, version, createdAtMs, address, isPaused } = instance
  const health = remembered.health(instance)
  const cannotRun = remembered.cannotRun(name)
  const [taint, cordon] = [remembered.taint(name), remembered.cordon(name)]
  const detail = taint?.reason ?? cordon ?? cannotRun ?? exitWords(instance) ?? (isPaused ? 'paused' : health.answer)
  return {
    name,
    version: claimed,
    intact: version === claimed,
    phase: cannotRun === undefined ? instance.phase : 'exited',
    health: healthOf(instance, health, server),
    rotation: rotationOf(server, split),
    ...(server && { lane: server.lane }),
    createdAtMs,
    condemned: remembered.isCondemned(name),
    ending: remembered.isEnding(name),
    ...(address && { address }),
    ...(taint && { taint }),
    ...(cordon !== undefined && { cordon }),
    ...(remembered.isRefused(instance, claimed) && { refused: true }),
    ...(effect && { busy: effect.kind }),
    ...(effect?.isCut && { isCut: true }),
    ...(detail !== undefined && { detail }),
  }
}

function healthOf(
  { isPaused }: ObservedInstance,
  { state }: HealthState,
  server: RouterServer | undefined,
): FleetInstance['health'] {
  // Whatever a probe says: the machine accepts connections for a process that is halted.
  if (isPaused) return 'unhealthy'
  // The router sees a dead server first; until the probe agrees, that is a doubt and not yet a verdict.
  return server?.state === 'down' && state === 'healthy' ? 'starting' : state
}

function rotationOf(server: RouterServer | undefined, split: number): FleetInstance['rotation'] {
  if (!server) return 'out'
  if (server.state === 'draining') return 'draining'
  return (server.lane === 'b' ? split : 1_000 - split) > 0 ? 'in' : 'warm'
}

/** How an instance ended, in words. */
export function exitWords({ exit }: Pick<ObservedInstance, 'exit'>): string | undefined {
  if (!exit) return undefined
  const cause = exit.outOfMemory ? 'killed for using more memory than it may' : `exited with code ${exit.code}`
  return exit.message ? `${cause}: ${exit.message}` : cause
}

/** A server without an instance. */
function ghost(server: RouterServer, split: number, effect: UnderWay | undefined): FleetInstance {
  return {
    ...nothingKnown,
    name: server.instance,
    version: '',
    phase: 'gone',
    rotation: rotationOf(server, split),
    lane: server.lane,
    ...(effect && { busy: effect.kind }),
  }
}

/** An instance that is being made and that the engine does not list yet. */
function expected(effect: UnderWay): FleetInstance {
  return {
    ...nothingKnown,
    name: effect.instance,
    version: effect.version ?? '',
    phase: 'created',
    rotation: 'out',
    busy: 'create',
  }
}

const nothingKnown = {
  intact: true,
  health: 'starting',
  createdAtMs: Number.MAX_SAFE_INTEGER,
  condemned: false,
  ending: false,
} as const
