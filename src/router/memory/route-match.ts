/** Which pool a request is for: the same rules as in the routers of the real world, as a pure function. */
import { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import type { PoolName, RoutedService } from '../router.ts'

/** Where a request goes: a listener, the host that it names, and its path. */
export interface Target {
  readonly listen: Route['listen']
  readonly host: string
  readonly path: string
}

/** Routes without a host get the requests whose host no route on the same listener names. */
export function matchRoute(services: readonly RoutedService[], target: Target): PoolName | undefined {
  const routes = services
    .flatMap(({ pool, routes: own }) => own.map((route) => ({ pool, route })))
    .filter(({ route }) => sameListener(route.listen, target.listen))
  const named = routes.filter(({ route }) => route.host === target.host.toLowerCase())
  const candidates = named.length > 0 ? named : routes.filter(({ route }) => route.host === undefined)
  const matching = candidates.filter(({ route }) => covers(route.path, target.path))
  return matching.toSorted((a, b) => b.route.path.length - a.route.path.length)[0]?.pool
}

/** ROUTE_TAKEN when two services want the same requests. */
export function assertDistinct(services: readonly RoutedService[]): void {
  const owners = new Map<string, PoolName>()
  for (const { pool, routes } of services)
    for (const { listen, host, path } of routes) {
      const name = `${listen.address}:${listen.port} ${host ?? '*'}${path}`
      const owner = owners.get(name) ?? pool
      owners.set(name, owner)
      if (owner !== pool)
        throw new RepaveError('ROUTE_TAKEN', `the route ${name} is wanted by both ${owner} and ${pool}`, {
          hint: 'give one of them another port, host or path',
        })
    }
}

export function sameListener(a: Route['listen'], b: Route['listen']): boolean {
  return a.address === b.address && a.port === b.port
}

/** Whether `path` is `prefix` or below it, in whole segments. */
function covers(prefix: string, path: string): boolean {
  return `${path}/`.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}
