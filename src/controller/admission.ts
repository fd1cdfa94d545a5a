/** Which routes a release may have: those that no other service has, and that the router can take. */
import { RepaveError, type StackFilePart } from '../errors.ts'
import type { Release } from '../model/release.ts'
import { routeUrl } from '../model/route.ts'
import { type FleetKey, fleetName, type Route, scopeName } from '../model/stack.ts'
import { poolName, type RoutedService, type Router } from '../router/router.ts'

type Checker = Pick<Router, 'check'>

interface PlacedRoute {
  readonly key: FleetKey
  readonly route: Route
  readonly about: StackFilePart
}

/** Throws ROUTE_TAKEN, PORT_IN_USE or CERTIFICATE_INVALID before anything is changed. `current`: of all environments. */
export async function admitRoutes(release: Release, current: readonly Release[], router: Checker): Promise<void> {
  const others = current.filter((other) => scopeName(other) !== scopeName(release))
  refuseSharedRoutes(release, others)
  const present = others.flatMap(routedServices)
  await router.check([...present, ...routedServices(release)]).catch(async (error: unknown) => {
    throw await aboutRoute(error, router, present, release)
  })
}

/** The same error with the route that is to blame: the first that the router refuses by itself. */
async function aboutRoute(
  error: unknown,
  router: Checker,
  present: readonly RoutedService[],
  release: Release,
): Promise<unknown> {
  if (!(error instanceof RepaveError)) return error
  const { code, message, hint } = error
  for (const { key, route, about } of placedRoutes(release)) {
    const alone = { pool: poolName(key), routes: [route] }
    const isRefused = await router.check([...present, alone]).then(
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
function refuseSharedRoutes(release: Release, others: readonly Release[]): void {
  const taken = others.flatMap(placedRoutes)
  for (const placed of placedRoutes(release)) {
    const { key, route, about } = placed
    const owner = taken.find((each) => fleetName(each.key) !== fleetName(key) && wantSame(route, each.route))
    taken.push(placed)
    if (owner)
      throw new RepaveError(
        'ROUTE_TAKEN',
        `service ${key.service}: the route ${routeUrl(route)} belongs to ${fleetName(owner.key)}`,
        { hint: 'give one of them another listen port, host or path', about },
      )
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

/** A port on all addresses takes it on each. */
function wantSame(one: Route, other: Route): boolean {
  const addresses = [one.listen.address, other.listen.address]
  const meet = addresses[0] === addresses[1] || addresses.some((address) => ['0.0.0.0', '::', '*'].includes(address))
  return meet && one.listen.port === other.listen.port && one.host === other.host && one.path === other.path
}
