/** Which release may be taken up: its names and routes are no other environment's, and the router can take the routes. */
import { RepaveError, type StackFilePart } from '../errors.ts'
import type { Release } from '../model/release.ts'
import { mixesTls, overlaps, routeKey, routeUrl } from '../model/route.ts'
import { type FleetKey, fleetName, type Route, scopeName } from '../model/stack.ts'
import { poolName, type RoutedService, type Router } from '../router/router.ts'
import { refuseSharedNames } from './shared-names.ts'

type Checker = Pick<Router, 'check'>

interface PlacedRoute {
  readonly key: FleetKey
  readonly route: Route
  readonly about: StackFilePart
}

/** Throws NAME_TAKEN, ROUTE_TAKEN, PORT_IN_USE or CERTIFICATE_INVALID before anything is changed. `current`: of all environments. */
export async function admitRelease(release: Release, current: readonly Release[], router: Checker): Promise<void> {
  refuseShared(release, current)
  await router.check(routedServices(release)).catch(async (error: unknown) => {
    throw await aboutRoute(error, router, release)
  })
}

/** Throws NAME_TAKEN or ROUTE_TAKEN for what another environment has. */
export function refuseShared(release: Release, current: readonly Release[]): void {
  const others = current.filter((other) => scopeName(other) !== scopeName(release))
  for (const other of others) refuseSharedNames(release, other)
  refuseClashes(release, others)
}

/** The same error with the route that is to blame: the first that the router refuses by itself. */
async function aboutRoute(error: unknown, router: Checker, release: Release): Promise<unknown> {
  if (!(error instanceof RepaveError)) return error
  const { code, message, hint } = error
  for (const { key, route, about } of placedRoutes(release)) {
    const alone = { pool: poolName(key), routes: [route] }
    const isRefused = await router.check([alone]).then(
      () => false,
      (reason: unknown) => reason instanceof RepaveError && reason.code === code && reason.message === message,
    )
    if (isRefused) return new RepaveError(code, `service ${key.service}: ${message}`, { hint, about, cause: error })
  }
  return error
}

function routedServices(release: Release): readonly RoutedService[] {
  return Object.entries(release.services)
    .map(([service, { routes }]) => ({ pool: poolName({ ...release, service }), routes }))
    .filter(({ routes }) => routes.length > 0)
}

/** Within the release, the service that comes later is in the wrong: one that is brought back comes last. */
function refuseClashes(release: Release, others: readonly Release[]): void {
  const taken = others.flatMap(placedRoutes)
  for (const placed of placedRoutes(release)) {
    const { key, route, about } = placed
    for (const owner of taken.filter((each) => fleetName(each.key) !== fleetName(key))) {
      const clash = clashOf(route, owner.route, fleetName(owner.key))
      if (clash)
        throw new RepaveError('ROUTE_TAKEN', `service ${key.service}: ${clash.message}`, { hint: clash.hint, about })
    }
    taken.push(placed)
  }
}

interface Clash {
  readonly message: string
  readonly hint: string
}

/** Why `route` can't be beside one of `owner`; undefined when it can. */
function clashOf(route: Route, taken: Route, owner: string): Clash | undefined {
  const { address, port } = route.listen
  if (taken.listen.port !== port) return undefined
  if (routeKey(route) === routeKey(taken))
    return {
      message: `the route ${routeUrl(route)} belongs to ${owner}`,
      hint: 'give one of them another listen port, host or path',
    }
  if (overlaps(route, taken))
    return {
      message: `port ${port} is listened on at ${address} here and at ${taken.listen.address} by ${owner}: one of them is all addresses`,
      hint: 'use the same address in both routes, or another port',
    }
  if (!mixesTls(route, taken)) return undefined
  const [here, there] = route.tls ? ['with', 'without'] : ['without', 'with']
  return {
    message: `port ${port} is used ${here} TLS here and ${there} TLS by ${owner}`,
    hint: 'give both routes `tls`, or use another port for one of them',
  }
}

function placedRoutes({ stack, environment, services }: Release): readonly PlacedRoute[] {
  return Object.entries(services).flatMap(([service, { routes }]) =>
    routes.map((route, index) => ({
      key: { stack, environment, service },
      route,
      about: ['services', service, 'route', index],
    })),
  )
}
