/** Routes that can't exist beside each other, within a stack. Pure. */
import { routeKey, routeUrl } from '../model/route.ts'
import type { Route, Stack } from '../model/stack.ts'
import type { StackDefinition } from './definition.ts'
import { originOf } from './environments.ts'
import type { Finding, KeyPath } from './finding.ts'

interface PlacedRoute {
  readonly service: string
  readonly route: Route
  readonly path: KeyPath
}

export function checkRoutes(definition: StackDefinition, stack: Stack): readonly Finding[] {
  const routes = placeRoutes(definition, stack)
  return [...checkPorts(stack, routes), ...checkDuplicates(routes), ...checkTls(routes), ...checkAddresses(routes)]
}

/** Each route with the place in the file that it comes from. */
export function placeRoutes(definition: StackDefinition, stack: Stack): readonly PlacedRoute[] {
  return Object.entries(stack.services).flatMap(([service, spec]) => {
    const { path } = originOf(definition, stack.environment, service, ['route'])
    const written =
      path[0] === 'environments' ? definition.environments?.[stack.environment]?.services : definition.services
    const isList = Array.isArray(written?.[service]?.route)
    return spec.routes.map((route, index) => ({ service, route, path: isList ? [...path, index] : path }))
  })
}

function checkPorts(stack: Stack, routes: readonly PlacedRoute[]): readonly Finding[] {
  return routes
    .filter(({ service }) => stack.services[service]?.port === undefined)
    .map(({ service, path }) => ({
      path,
      part: 'key' as const,
      message: `service ${service} has a route but no port`,
      hint: 'add the `port` that the process listens on inside the instance',
    }))
}

function checkDuplicates(routes: readonly PlacedRoute[]): readonly Finding[] {
  return clashes(
    routes,
    (one, other) => routeKey(one) === routeKey(other),
    (later, earlier) => ({
      path: later.path,
      message: `services ${earlier.service} and ${later.service} both have the route ${routeUrl(later.route)}`,
      hint: 'give one of them another listen port, host or path',
    }),
  )
}

function checkTls(routes: readonly PlacedRoute[]): readonly Finding[] {
  return clashes(
    routes,
    (one, other) =>
      one.listen.port === other.listen.port &&
      one.listen.address === other.listen.address &&
      (one.tls === undefined) !== (other.tls === undefined),
    (later, earlier) => ({
      path: later.path,
      message: `services ${earlier.service} and ${later.service} use port ${later.route.listen.port} with and without TLS`,
      hint: 'give both routes `tls`, or use another port for one of them',
    }),
  )
}

function checkAddresses(routes: readonly PlacedRoute[]): readonly Finding[] {
  return clashes(
    routes,
    (one, other) =>
      one.listen.port === other.listen.port &&
      one.listen.address !== other.listen.address &&
      (isWildcard(one.listen.address) || isWildcard(other.listen.address)),
    (later, earlier) => ({
      path: later.path,
      message: `port ${later.route.listen.port} is listened on at ${earlier.route.listen.address} (${earlier.service}) and at ${later.route.listen.address} (${later.service}): one of them is all addresses`,
      hint: 'use the same address in both routes, or another port',
    }),
  )
}

/** A finding for each route that clashes with an earlier one. */
function clashes(
  routes: readonly PlacedRoute[],
  clash: (one: Route, other: Route) => boolean,
  describe: (later: PlacedRoute, earlier: PlacedRoute) => Finding,
): readonly Finding[] {
  const byPort = Map.groupBy(routes, ({ route }) => route.listen.port)
  return [...byPort.values()].flatMap((group) =>
    group.flatMap((later, index) => {
      const earlier = group.slice(0, index).find(({ route }) => clash(route, later.route))
      return earlier ? [describe(later, earlier)] : []
    }),
  )
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
