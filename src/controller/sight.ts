/** What was seen, and what follows from it alone. Pure. */
import type { ObservedInstance } from '../engine/engine.ts'
import type { Touch } from '../model/touch.ts'
import { poolName } from '../router/router.ts'
import type { Order } from './act.ts'
import type { Sight } from './views.ts'

export const nothingSeen: Sight = {
  engine: { instances: [], scopes: [] },
  router: { services: [], servers: [], splits: new Map(), isOutdated: false, problems: [] },
  underWay: [],
  splitting: new Map(),
}

/**
 * Those whose conditions hold. The router must know the pool before an instance can go in, and keep it. And nothing is started
 * while the router would still send requests to an instance that is not there any more: the new one might get its
 * address, and with it another service's requests.
 */
export function possible(orders: readonly Order[], { engine, router, configuring }: Sight): readonly Order[] {
  const present = new Set(router.services.map(({ pool }) => pool))
  const pools = configuring ? present.intersection(configuring) : present
  const running = new Set(engine.instances.filter(({ phase }) => phase === 'running').map(serverName))
  const isStale = router.servers.some(
    ({ pool, instance, state }) => state !== 'draining' && !running.has(`${pool}/${instance}`),
  )
  return orders.filter(({ key, effect }) => {
    if (effect.kind === 'route') return pools.has(poolName(key))
    return !isStale || (effect.kind !== 'create' && effect.kind !== 'start')
  })
}

/** What does not wait for a look. */
export interface HastyMoves {
  /** Out of rotation since they were touched. */
  readonly touched: readonly Order[]
  readonly ended: readonly Order[]
  readonly routes: readonly Order[]
}

export function hastyMoves(orders: readonly Order[]): HastyMoves {
  const leaving = orders.filter(({ effect }) => effect.kind === 'unroute')
  return {
    touched: leaving.filter(({ instance }) => instance?.taint),
    ended: leaving.filter(({ instance }) => !instance?.taint),
    routes: orders.filter(({ effect }) => effect.kind === 'route'),
  }
}

/** The same sight, with those that have ended since; one that was made since then is another of its name. */
export function withDeaths(
  sight: Sight,
  deaths: ReadonlyMap<string, number>,
  underWay: Pick<Sight, 'underWay' | 'splitting' | 'configuring'>,
): Sight {
  const instances = sight.engine.instances.map((instance): ObservedInstance => {
    const isDead = instance.phase === 'running' && instance.createdAtMs <= (deaths.get(instance.name) ?? -Infinity)
    return isDead ? { ...instance, phase: 'exited' } : instance
  })
  return { ...sight, engine: { ...sight.engine, instances }, ...underWay }
}

/** A touch that shows without anybody having told of it. */
export function visibleTouch(
  { phase, isPaused, version, claimed }: ObservedInstance,
  nowMs: number,
): Touch | undefined {
  const layer = 'inspection'
  if (phase !== 'running') return undefined
  if (isPaused) return { kind: 'pause', layer, atMs: nowMs, detail: 'it is halted' }
  if (version === claimed) return undefined
  return { kind: 'altered', layer, atMs: nowMs, detail: 'what runs is not the version that it claims to be' }
}

/** As the router would name it. */
export function serverName(instance: ObservedInstance): string {
  return `${poolName(instance)}/${instance.name}`
}
