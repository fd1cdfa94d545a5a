/** Routes that can't exist beside each other, within a stack. Pure. */
import { mixesTls, overlaps, routeKey, routeUrl } from '../model/route.ts'
import type { Route, Stack } from '../model/stack.ts'
import type { StackDefinition } from './definition.ts'
import { originOf } from './environments.ts'
import type { Finding, KeyPath } from './finding.ts'
import { own } from '../model/own.ts'

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
      path[0] === 'environments' ? own(definition.environments, stack.environment)?.services : definition.services
    const isList = Array.isArray(own(written, service)?.route)
    return spec.routes.map((route, index) => ({ service, route, path: isList ? [...path, index] : path }))
  })
}

function checkPorts(stack: Stack, routes: readonly PlacedRoute[]): readonly Finding[] {
  return routes
    .filter(({ service }) => own(stack.services, service)?.port === undefined)
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
    routeKey,
    () => true,
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
    ({ listen }) => `${listen.address}:${listen.port}`,
    mixesTls,
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
    ({ listen }) => String(listen.port),
    overlaps,
    (later, earlier) => ({
      path: later.path,
      message: `port ${later.route.listen.port} is listened on at ${earlier.route.listen.address} (${earlier.service}) and at ${later.route.listen.address} (${later.service}): one of them is all addresses`,
      hint: 'use the same address in both routes, or another port',
    }),
  )
}

/** A finding for each route that clashes with the first of those that share its key. */
function clashes(
  routes: readonly PlacedRoute[],
  keyOf: (route: Route) => string,
  clash: (one: Route, other: Route) => boolean,
  describe: (later: PlacedRoute, earlier: PlacedRoute) => Finding,
): readonly Finding[] {
  const groups = Map.groupBy(routes, ({ route }) => keyOf(route))
  return [...groups.values()].flatMap(([first, ...others]) =>
    first ? others.filter(({ route }) => clash(first.route, route)).map((later) => describe(later, first)) : [],
  )
}
