/**
 * Routes as entries of HAProxy's map files, and back.
 *
 * A key is `LISTENER|HOST/PATH/`, with `*` for any host. HAProxy looks up the request in the same form with
 * the longest matching prefix; the slash at the end makes prefixes end at whole segments.
 */
import { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import type { PoolName, RoutedService } from '../router.ts'

export type MapEntries = ReadonlyMap<string, string>

type Tls = NonNullable<Route['tls']>

/** What a named host's unrouted paths map to, so that they are not taken by the routes for any host. */
export const noPool = ':none'

/** `127.0.0.1:8080`, `[::1]:8080`: a listener's name in map keys and in `bind` lines. */
export function listenerName(listen: Route['listen']): string {
  return listen.address.includes(':') ? `[${listen.address}]:${listen.port}` : `${listen.address}:${listen.port}`
}

/** `routes.map`: which pool each route leads to. ROUTE_TAKEN when two services want the same one. */
export function routeEntries(services: readonly RoutedService[]): MapEntries {
  const entries = new Map<string, string>()
  for (const { pool, routes } of services)
    for (const route of routes) {
      const key = routeKey(route)
      const taken = entries.get(key)
      if (taken !== undefined && taken !== pool) throw routeTaken(route, taken, pool)
      entries.set(key, pool)
    }
  for (const route of services.flatMap((service) => service.routes)) {
    const rest = routeKey({ ...route, path: '/' })
    if (route.host !== undefined && !entries.has(rest)) entries.set(rest, noPool)
  }
  return entries
}

/**
 * `tls.map`: which files a route's certificate and key came from, and which PEM file was made of them. HAProxy has no
 * use for it; it is how a router is understood that runs, or that ran.
 */
export function tlsEntries(services: readonly RoutedService[], pemOf: (tls: Tls) => string | undefined): MapEntries {
  const routes = services.flatMap((service) => service.routes)
  return new Map(routes.flatMap(({ tls, ...route }) => (tls ? [[routeKey(route), tlsValue(tls, pemOf(tls))]] : [])))
}

function tlsValue({ certificate, key }: Tls, pem: string | undefined): string {
  return [certificate, key, ...(pem === undefined ? [] : [pem])].map(encodeURIComponent).join(',')
}

/** `split.map`: how many thousandths of each pool's requests go to lane b; known before, or else none. */
export function splitEntries(pools: readonly PoolName[], known: MapEntries): MapEntries {
  return new Map(pools.map((pool) => [pool, known.get(pool) ?? '0']))
}

/** The splits of those pools that give anything to lane b. */
export function splitsOf(entries: MapEntries): ReadonlyMap<PoolName, number> {
  const splits = [...entries].map(([pool, value]) => [pool, Number(value)] as const)
  return new Map(splits.filter(([, toB]) => toB > 0))
}

/** By pair of files: the PEM file that was made of them. */
export function servedPems(tls: MapEntries): ReadonlyMap<string, string> {
  const values = [...tls.values()].map((value) => value.split(',').map(decodeURIComponent))
  return new Map(
    values.flatMap(([certificate, key, pem]) =>
      certificate && key && pem ? [[pairKey({ certificate, key }), pem]] : [],
    ),
  )
}

/** Two routes with the same files have one certificate. */
export function pairKey({ certificate, key }: Tls): string {
  return `${certificate}\0${key}`
}

/** A map file's text; keys and values hold no spaces. */
export function renderMap(entries: MapEntries): string {
  return [...entries].map(([key, value]) => `${key} ${value}\n`).join('')
}

/** The entries of a map file; none of what makes no sense. */
export function parseMapFile(text: string): MapEntries {
  const lines = text.split('\n').map((line) => line.split(' '))
  return new Map(lines.flatMap(([key, value]) => (key && value ? [[key, value] as const] : [])))
}

/** The entries in the answer to `show map`: `0x55d3caf7b9d0 KEY VALUE` a line. */
export function parseMap(answer: string): MapEntries {
  const lines = answer.split('\n').map((line) => line.split(' '))
  return new Map(
    lines.flatMap(([id, key, value]) => (id?.startsWith('0x') && key && value ? [[key, value] as const] : [])),
  )
}

/** The services that a running HAProxy's maps amount to. */
export function servicesOf(routes: MapEntries, tls: MapEntries): readonly RoutedService[] {
  const found = new Map<string, Route[]>()
  for (const [key, pool] of routes) {
    const route = parseRoute(key, tls.get(key))
    if (pool === noPool || route === undefined) continue
    found.set(pool, [...(found.get(pool) ?? []), route])
  }
  return [...found].map(([pool, poolRoutes]) => ({ pool, routes: poolRoutes }))
}

/** The runtime commands that turn one map into the other: what is new first, then what goes. */
export function mapChanges(file: string, running: MapEntries, wanted: MapEntries): readonly string[] {
  const added = [...wanted]
    .filter(([key]) => !running.has(key))
    .map(([key, value]) => `add map ${file} ${key} ${value}`)
  const changed = [...wanted]
    .filter(([key, value]) => running.has(key) && running.get(key) !== value)
    .map(([key, value]) => `set map ${file} ${key} ${value}`)
  const removed = [...running.keys()].filter((key) => !wanted.has(key)).map((key) => `del map ${file} ${key}`)
  return [...added, ...changed, ...removed]
}

function routeKey(route: Route): string {
  return `${listenerName(route.listen)}|${route.host ?? '*'}${route.path.replace(/\/+$/, '')}/`
}

function parseRoute(key: string, tls: string | undefined): Route | undefined {
  const [, address, port, host, path] = /^\[?([0-9a-f:.]+?)\]?:(\d+)\|([^/]+)(\/.*)$/i.exec(key) ?? []
  if (address === undefined || host === undefined || path === undefined) return undefined
  const [certificate, privateKey] = (tls ?? '').split(',').map(decodeURIComponent)
  return {
    listen: { address, port: Number(port) },
    ...(host !== '*' && { host }),
    path: path.length > 1 ? path.slice(0, -1) : path,
    ...(certificate && privateKey && { tls: { certificate, key: privateKey } }),
  }
}

function routeTaken(route: Route, taken: string, pool: string): RepaveError {
  const name = `${listenerName(route.listen)} ${route.host ?? '*'}${route.path}`
  return new RepaveError('ROUTE_TAKEN', `the route ${name} is wanted by both ${taken} and ${pool}`, {
    hint: 'give one of them another port, host or path',
  })
}
