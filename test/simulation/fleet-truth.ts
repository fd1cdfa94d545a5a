/** What there really is of each fleet, whatever the controller knows of it. */
import type { MemoryInstance } from '../../src/engine/memory/memory-machine.ts'
import type { Release, ServiceRelease } from '../../src/model/release.ts'
import { routeUrl } from '../../src/model/route.ts'
import { fleetName, resolveQuantity, scopeName, type FleetKey, type Route } from '../../src/model/stack.ts'
import { poolName, type RoutedService, type RouterServer } from '../../src/router/router.ts'

export interface FleetTruth {
  readonly key: FleetKey
  /** Absent: the service is not wanted. */
  readonly wanted?: ServiceRelease
  readonly instances: readonly MemoryInstance[]
  readonly servers: readonly RouterServer[]
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

export function fleetsOf(
  releases: Iterable<Release>,
  instances: Iterable<MemoryInstance>,
  servers: readonly RouterServer[],
): readonly FleetTruth[] {
  const wanted = new Map<string, { key: FleetKey; wanted?: ServiceRelease }>()
  for (const { stack, environment, services } of releases)
    for (const [service, release] of Object.entries(services)) {
      const key = { stack, environment, service }
      wanted.set(fleetName(key), { key, wanted: release })
    }
  const present = Map.groupBy(instances, ({ order }) => fleetName(order))
  for (const [name, [first]] of present) if (first && !wanted.has(name)) wanted.set(name, { key: keyOf(first.order) })
  return [...wanted].map(([name, fleet]) => ({
    ...fleet,
    instances: present.get(name) ?? [],
    servers: servers.filter((server) => server.pool === poolName(fleet.key)),
  }))
}

function keyOf({ stack, environment, service }: FleetKey): FleetKey {
  return { stack, environment, service }
}

/** Runs, was not asked to end, and answers that it is healthy. */
export function isFit({ process, order }: MemoryInstance): boolean {
  if (!process || process.exit || process.terminated) return false
  return order.spec.health.kind === 'process' || process.answer() === 'healthy'
}

/** The instances that serve: fit, staying, and in rotation where there is one. */
export function readyIn({ wanted, instances, servers }: FleetTruth, leaving: Leaving): readonly MemoryInstance[] {
  if (!wanted) return []
  const routed = wanted.routes.length > 0
  const inRotation = new Set(servers.filter(({ state }) => state !== 'draining').map(({ instance }) => instance))
  return instances.filter(
    (instance) =>
      isFit(instance) && !leaving.has(instance.order.name) && (!routed || inRotation.has(instance.order.name)),
  )
}

export function floorOf({ wanted }: FleetTruth): number {
  if (!wanted) return 0
  return Math.max(0, wanted.replicas - resolveQuantity(wanted.rollout.maxUnavailable, wanted.replicas, 'down'))
}

export function ceilingOf({ wanted }: FleetTruth): number {
  if (!wanted) return 0
  return wanted.replicas + resolveQuantity(wanted.rollout.maxSurge, wanted.replicas, 'up')
}

/** What keeps the fleet from being as it is wanted; undefined when it is whole. */
export function divergence(fleet: FleetTruth): string | undefined {
  const name = fleetName(fleet.key)
  const { wanted, instances, servers } = fleet
  const replicas = wanted?.replicas ?? 0
  if (instances.length !== replicas) return `${name} has ${instances.length} instances where ${replicas} are wanted`
  const stranger = instances.find(({ order }) => order.version !== wanted?.version)
  if (stranger) return `${stranger.order.name} is not of the version that is wanted`
  const unfit = instances.find((instance) => !isFit(instance))
  if (unfit) return `${unfit.order.name} is not fit to serve`
  const routed = wanted !== undefined && wanted.routes.length > 0
  if (servers.length !== (routed ? replicas : 0))
    return `${name} has ${servers.length} servers for ${replicas} instances`
  for (const { instance, address, state } of servers) {
    const holder = instances.find(({ order }) => order.name === instance)
    if (!holder) return `the server ${instance} has no instance`
    if (holder.address?.host !== address.host) return `the server ${instance} has the address of another`
    if (state !== 'in') return `the server ${instance} is ${state}`
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
