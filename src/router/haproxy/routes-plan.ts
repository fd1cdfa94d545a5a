/**
 * From the routes that are wanted to those that can be had: what is wrong with a certificate or a port costs the
 * listener that needs it, and nothing else. Pure.
 */
import type { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import type { RoutedService } from '../router.ts'
import type { Pem } from './certificates.ts'
import { layoutId, listenersOf, pemFolder, type Layout, type Listener } from './config.ts'
import { listenerName, pairKey, routeEntries, splitEntries, tlsEntries, type MapEntries } from './routing.ts'

/** What `configure` was asked for, ready to be written. */
export interface RoutesPlan {
  readonly layout: Layout
  readonly layoutId: string
  readonly routes: MapEntries
  readonly tls: MapEntries
  readonly splits: MapEntries
  /** By file name. */
  readonly pems: ReadonlyMap<string, string>
  /** Why some routes are left out. */
  readonly missing: readonly RepaveError[]
}

/** What a pair of files comes to: a certificate, which may be an earlier one, and what is wrong with them. */
export interface Certificate {
  readonly pem?: Pem
  readonly error?: RepaveError
}

export interface Surroundings extends Pick<Layout, 'account' | 'maxConnections'> {
  /** By pair of files. */
  readonly certificates: ReadonlyMap<string, Certificate>
  /** Why a listener can't be had, by its name. */
  readonly ports: ReadonlyMap<string, RepaveError>
  /** As they are, or were when HAProxy ran last. */
  readonly splits: MapEntries
}

export function planRoutes(services: readonly RoutedService[], surroundings: Surroundings): RoutesPlan {
  const { certificates, ports, splits, ...machine } = surroundings
  const pemOf = (tls: NonNullable<Route['tls']>) => certificates.get(pairKey(tls))?.pem?.name
  const pemFile = (tls: NonNullable<Route['tls']>) => {
    const name = pemOf(tls)
    return name === undefined ? undefined : `${pemFolder}/${name}`
  }
  const wanted = listenersOf(services, pemFile)
  const leftOut = new Map(wanted.flatMap((listener) => whyLeftOut(listener, services, { certificates, ports })))
  const had = services.map(({ pool, routes }) => ({
    pool,
    routes: routes.filter(({ listen }) => !leftOut.has(listenerName(listen))),
  }))
  const layout: Layout = {
    listeners: wanted.filter(({ listen }) => !leftOut.has(listenerName(listen))),
    // Also of what has no route for now: its servers stay.
    pools: services.map(({ pool }) => pool).toSorted(),
    ...machine,
  }
  const pems = [...certificates.values()].flatMap(({ pem }) => pem ?? [])
  return {
    layout,
    layoutId: layoutId(layout),
    routes: routeEntries(had),
    tls: tlsEntries(had, pemOf),
    splits: splitEntries(layout.pools, splits),
    pems: new Map(pems.map(({ name, text }) => [name, text])),
    missing: [...leftOut.values()],
  }
}

/** A TLS listener with one certificate at least can be had: the routes of the others are still told apart by host. */
function whyLeftOut(
  { listen, certificates: files }: Listener,
  services: readonly RoutedService[],
  { certificates, ports }: Pick<Surroundings, 'certificates' | 'ports'>,
): readonly (readonly [string, RepaveError])[] {
  const name = listenerName(listen)
  const taken = ports.get(name)
  if (taken) return [[name, taken]]
  if (files.length > 0) return []
  const routes = services.flatMap((service) => service.routes).filter((route) => listenerName(route.listen) === name)
  const [bad] = routes.flatMap(({ tls }) => (tls && certificates.get(pairKey(tls))?.error) ?? [])
  return bad ? [[name, bad]] : []
}
