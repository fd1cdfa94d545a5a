/** What there really is of each fleet, whatever the controller knows of it. */
import type { MemoryInstance } from '../../src/engine/memory/memory-machine.ts'
import { dependencyCycles } from '../../src/model/dependencies.ts'
import { isSameService, type Release, type ServiceRelease } from '../../src/model/release.ts'
import { routeUrl } from '../../src/model/route.ts'
import { fleetName, resolveQuantity, scopeName, type FleetKey, type Route } from '../../src/model/stack.ts'
import type { VersionId } from '../../src/model/version.ts'
import { stagesOf } from '../../src/rollout/stages.ts'
import type { Stage } from '../../src/rollout/stage.ts'
import { poolName, type Lane, type RoutedService, type RouterServer } from '../../src/router/router.ts'
import type { Decided, Rollout } from './decided.ts'

export interface FleetTruth {
  readonly key: FleetKey
  /** Absent: the service is not wanted. */
  readonly wanted?: ServiceRelease
  /** Whether no further instance of it may be made. */
  readonly isRefused: boolean
  /** The one that runs. */
  readonly rollout?: Rollout
  /** The newest, where it was taken back. */
  readonly aborted?: Rollout
  /** Whether another service that this one depends on is rolled out first. */
  readonly isWaiting: boolean
  /** Of the newest rollout, where that went well and moved traffic by shares: what the fleet had before. */
  readonly replaced?: VersionId
  /** Until when `replaced` is to be kept, by the time of day. */
  readonly warmUntilMs: number
  readonly instances: readonly MemoryInstance[]
  readonly servers: readonly RouterServer[]
  /** Thousandths of the requests that lane b gets. */
  readonly split: number
}

export interface WorldTruth {
  readonly nowMs: number
  /** By scope name; the newest decision of each. */
  readonly releases: ReadonlyMap<string, Release>
  readonly fleets: readonly FleetTruth[]
  /** Instances on which a router removal or an engine destruction is under way. */
  readonly leaving: Leaving
}

/** Whether a name is among them. */
export type Leaving = Pick<ReadonlySet<string>, 'has'>

/** Works its fleets out for the first that asks: most who hear of a call don't. */
export class LazyTruth implements WorldTruth {
  readonly nowMs: number
  readonly releases: ReadonlyMap<string, Release>
  readonly leaving: Leaving
  readonly #work: () => readonly FleetTruth[]
  #fleets: readonly FleetTruth[] | undefined

  constructor(
    nowMs: number,
    releases: ReadonlyMap<string, Release>,
    leaving: Leaving,
    work: () => readonly FleetTruth[],
  ) {
    this.nowMs = nowMs
    this.releases = releases
    this.leaving = leaving
    this.#work = work
  }

  get fleets(): readonly FleetTruth[] {
    return (this.#fleets ??= this.#work())
  }
}

/** What engine and router have. */
export interface Scenery {
  readonly instances: Iterable<MemoryInstance>
  readonly servers: readonly RouterServer[]
  readonly splits: ReadonlyMap<string, number>
}

export function fleetsOf(decided: Decided, { instances, servers, splits }: Scenery): readonly FleetTruth[] {
  const wanted = new Map<string, { key: FleetKey; wanted?: ServiceRelease }>()
  for (const { stack, environment, services } of decided.releases.values())
    for (const [service, release] of Object.entries(services)) {
      const key = { stack, environment, service }
      wanted.set(fleetName(key), { key, wanted: release })
    }
  const present = Map.groupBy(instances, ({ order }) => fleetName(order))
  for (const [name, [first]] of present) if (first && !wanted.has(name)) wanted.set(name, { key: keyOf(first.order) })
  return [...wanted].map(([name, fleet]) => {
    const pool = poolName(fleet.key)
    return {
      ...fleet,
      ...courseOf(fleet.key, decided),
      isRefused: fleet.wanted !== undefined && decided.isRefused(fleet.key, fleet.wanted),
      instances: present.get(name) ?? [],
      servers: servers.filter((server) => server.pool === pool),
      split: splits.get(pool) ?? 0,
    }
  })
}

function keyOf({ stack, environment, service }: FleetKey): FleetKey {
  return { stack, environment, service }
}

type Course = Pick<FleetTruth, 'rollout' | 'aborted' | 'isWaiting' | 'replaced' | 'warmUntilMs'>

/** How far the change of a fleet has come. */
function courseOf(key: FleetKey, decided: Decided): Course {
  const newest = decided.newest(key)
  const { state, warmUntilMs = 0 } = newest?.record ?? {}
  if (newest && state === 'running') return { rollout: newest, isWaiting: mustWait(newest, decided), warmUntilMs: 0 }
  if (newest && state === 'aborted') return { aborted: newest, isWaiting: false, warmUntilMs: 0 }
  const isInForce = isSameService(decided.releases.get(scopeName(key))?.services[key.service], newest?.service)
  const replaced = isInForce && state === 'succeeded' && newest?.from && isStaged(newest) && newest.from.version
  return { isWaiting: false, warmUntilMs, ...(replaced && { replaced }) }
}

/** In a circle, nobody waits. */
function mustWait({ record, service }: Rollout, decided: Decided): boolean {
  if (!service.dependsOn) return false
  const released = decided.releases.get(scopeName(record))?.services ?? {}
  const circles = dependencyCycles(
    new Map(Object.entries(released).map(([name, { dependsOn = [] }]) => [name, dependsOn])),
  )
  const circle = circles.find((names) => names.includes(record.service)) ?? []
  return service.dependsOn.some(
    (other) => !circle.includes(other) && decided.newest({ ...record, service: other })?.record.state === 'running',
  )
}

/** Whether it moves traffic from one version to another by shares. */
export function isStaged({ from, service }: Rollout): boolean {
  return from !== undefined && from.version !== service.version && stagesOf(service, false) !== undefined
}

/** The one that a staged rollout is at. */
export function stageOf({ record, service }: Rollout): Stage | undefined {
  const stages = stagesOf(service, record.isSwitch === true) ?? []
  return stages[Math.min(record.stage ?? 0, stages.length - 1)]
}

/** Thousandths of the requests that a lane gets. */
export function shareOf({ split }: Pick<FleetTruth, 'split'>, lane: Lane): number {
  return lane === 'b' ? split : 1_000 - split
}

/** Runs, was not asked to end, and answers that it is healthy. */
export function isFit({ process, order, isTainted }: MemoryInstance): boolean {
  if (isTainted || !process || process.exit || process.terminated) return false
  return order.spec.health.kind === 'process' || process.answer() === 'healthy'
}

/** The instances that serve: fit, staying, and in rotation where there is one. */
export function readyIn(fleet: FleetTruth, leaving: Leaving): readonly MemoryInstance[] {
  return standing(fleet, leaving, (server) => shareOf(fleet, server.lane) > 0)
}

/** Those that serve, or would if only the split were another. */
export function routedIn(fleet: FleetTruth, leaving: Leaving): readonly MemoryInstance[] {
  return standing(fleet, leaving, () => true)
}

function standing(
  { wanted, instances, servers }: FleetTruth,
  leaving: Leaving,
  counts: (server: RouterServer) => boolean,
): readonly MemoryInstance[] {
  if (!wanted) return []
  const routed = wanted.routes.length > 0
  const there = servers.filter((server) => server.state !== 'draining' && counts(server))
  // A name may be that of one that is gone, whose server has not been told yet.
  const hosts = new Map(there.map(({ instance, address }) => [instance, address.host]))
  return instances.filter(
    (instance) =>
      isFit(instance) &&
      !leaving.has(instance.order.name) &&
      (!routed || hosts.get(instance.order.name) === instance.address?.host),
  )
}

/** While a rollout waits, or moves traffic by shares, what the fleet had counts too. */
export function floorOf({ wanted, rollout, isWaiting }: FleetTruth): number {
  if (!wanted) return 0
  const floor = leastOf(wanted)
  if (!rollout || (!isWaiting && !isStaged(rollout) && rollout.record.pausedAtMs === undefined)) return floor
  const { from } = rollout
  if (isWaiting || !from) return from ? Math.min(floor, leastOf(from)) : 0
  return from.replicas > 0 ? Math.min(floor, leastOf(from)) : floor
}

function leastOf({ replicas, rollout }: ServiceRelease): number {
  return Math.max(0, replicas - resolveQuantity(rollout.maxUnavailable, replicas, 'down'))
}

/** The most that may be at work: what is wanted, what it replaces by shares, the surge, and one that is tried aside. */
export function ceilingOf({ wanted, rollout, isWaiting }: FleetTruth): number {
  if (!wanted) return 0
  const tried = wanted.rehearsal ? 1 : 0
  const before = rollout?.from ? wholeOf(rollout.from) + surgeOf(rollout.from) : 0
  if (rollout && isWaiting) return before + tried
  // Where versions must not overlap, a pause leads back as long as there is something left.
  if (rollout?.record.pausedAtMs !== undefined && wanted.rollout.strategy === 'recreate')
    return Math.max(before, wholeOf(wanted) + surgeOf(wanted))
  const stage = rollout && isStaged(rollout) ? stageOf(rollout) : undefined
  if (!rollout?.from || !stage) return wholeOf(wanted) + surgeOf(wanted) + tried
  const fresh = stage.count + (stage.share === 1_000 ? (wanted.standby ?? 0) : 0)
  return wholeOf(rollout.from) + fresh + surgeOf(wanted)
}

function wholeOf({ replicas, standby = 0 }: ServiceRelease): number {
  return replicas > 0 ? replicas + standby : 0
}

/** Those that stand by count towards it. */
function surgeOf({ replicas, standby = 0, rollout }: ServiceRelease): number {
  return Math.max(0, resolveQuantity(rollout.maxSurge, replicas, 'up') - standby)
}

/** What keeps the fleet from being as it is wanted; undefined when it is whole. */
export function divergence(fleet: FleetTruth): string | undefined {
  const name = fleetName(fleet.key)
  const { wanted, instances, servers, replaced } = fleet
  if (fleet.rollout) return `${name} is being rolled out`
  const aside = new Set(instances.filter(({ order }) => isAside(order.version, fleet)).map(({ order }) => order.name))
  const own = instances.filter(({ order }) => !aside.has(order.name))
  const whole = wanted ? wholeOf(wanted) : 0
  if (own.length !== whole) return `${name} has ${own.length} instances where ${whole} are wanted`
  const stranger = own.find(({ order }) => order.version !== wanted?.version)
  if (stranger) return `${stranger.order.name} is not of the version that is wanted`
  const unfit = own.find((instance) => !isFit(instance))
  if (unfit) return `${unfit.order.name} is not fit to serve`
  const warm = servers.filter(({ instance }) => aside.has(instance))
  if (warm.length > 0 && !replaced) return `${warm[0]?.instance} is only tried, and the router has it`
  return servingDivergence({ ...fleet, servers: servers.filter((server) => !warm.includes(server)) })
}

/** Kept ready for a way back, or tried aside. */
function isAside(version: VersionId, { wanted, replaced, warmUntilMs }: FleetTruth): boolean {
  if (!wanted || version === wanted.version) return false
  return (version === replaced && warmUntilMs > 0) || wanted.rehearsal !== undefined
}

function servingDivergence({ key, wanted, instances, servers, split }: FleetTruth): string | undefined {
  const replicas = wanted !== undefined && wanted.routes.length > 0 ? wanted.replicas : 0
  if (servers.length !== replicas) return `${fleetName(key)} has ${servers.length} servers where ${replicas} serve`
  for (const { instance, address, state, lane } of servers) {
    const holder = instances.find(({ order }) => order.name === instance)
    if (!holder) return `the server ${instance} has no instance`
    if (holder.address?.host !== address.host) return `the server ${instance} has the address of another`
    if (state !== 'in') return `the server ${instance} is ${state}`
    if (shareOf({ split }, lane) < 1_000) return `the server ${instance} gets ${shareOf({ split }, lane)} ‰`
  }
  return undefined
}

/** What keeps a scope from being as decided, or from having ended. */
export function leftovers(
  truth: WorldTruth,
  held: readonly string[],
  routed: readonly RoutedService[],
): string | undefined {
  const wantedScopes = new Set<string>()
  const wanted = new Map<string, readonly Route[]>()
  for (const release of truth.releases.values())
    for (const [service, { routes }] of Object.entries(release.services)) {
      wantedScopes.add(scopeName(release))
      if (routes.length > 0) wanted.set(poolName({ ...release, service }), routes)
    }
  const scope = held.find((name) => !wantedScopes.has(name))
  if (scope) return `the engine holds something for ${scope}, which is down`
  const orphan = routed.find(({ pool }) => !wanted.has(pool))
  if (orphan) return `the router has routes to ${orphan.pool}, which nothing wants`
  for (const [pool, routes] of wanted) {
    const present = routed.find((each) => each.pool === pool)
    if (!present || routeWords(present.routes) !== routeWords(routes)) return `the router lacks routes to ${pool}`
  }
  return undefined
}

export function routeWords(routes: readonly Route[]): string {
  return routes.map(routeUrl).toSorted().join(' ')
}
