/** Which routes the router should have: pure. */
import { canonicalJson } from '../model/canonical.ts'
import type { Scope } from '../model/stack.ts'
import { poolName, type RoutedService, type RouterState } from '../router/router.ts'
import type { ScopeView } from './views.ts'
import { own } from '../model/own.ts'

/**
 * Those of every release. A service that goes away keeps its routes until its last instance is gone, and what
 * belongs to environments that no release is recorded for is left as it is.
 */
export function wantedRoutes(views: readonly ScopeView[], router: RouterState): readonly RoutedService[] {
  const present = new Map(router.services.map((service) => [service.pool, service]))
  const wanted = new Map<string, RoutedService>()
  for (const { record, fleets } of views)
    for (const fleet of fleets) {
      const pool = poolName(fleet.key)
      const routes = own(record.release.services, fleet.key.service)?.routes
      const lingering = fleet.instances.length > 0 ? present.get(pool) : undefined
      if (routes && routes.length > 0) wanted.set(pool, { pool, routes })
      else if (!routes && lingering) wanted.set(pool, lingering)
    }
  const scopes = new Set(views.map(({ scope }) => `${scope.stack}.${scope.environment}`))
  for (const service of router.services) if (!scopes.has(scopeOf(service.pool))) wanted.set(service.pool, service)
  return [...wanted.values()].toSorted((a, b) => (a.pool < b.pool ? -1 : 1))
}

/** Those of one environment. */
export function routesOf(services: readonly RoutedService[], scope: Scope): readonly RoutedService[] {
  return services.filter(({ pool }) => scopeOf(pool) === `${scope.stack}.${scope.environment}`)
}

export function sameRoutes(a: readonly RoutedService[], b: readonly RoutedService[]): boolean {
  return routesText(a) === routesText(b)
}

function routesText(services: readonly RoutedService[]): string {
  return services
    .map(({ pool, routes }) => `${pool} ${textOf(routes)}`)
    .toSorted()
    .join('\n')
}

/** Every pass compares the same few lists. */
const texts = new WeakMap<RoutedService['routes'], string>()

function textOf(routes: RoutedService['routes']): string {
  const known = texts.get(routes)
  if (known !== undefined) return known
  const text = routes
    .map((route) => canonicalJson(route))
    .toSorted()
    .join(' ')
  texts.set(routes, text)
  return text
}

function scopeOf(pool: string): string {
  return pool.split('.').slice(0, 2).join('.')
}
