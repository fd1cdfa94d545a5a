/**
 * The router contract: what brings requests to instances. It outlives the controller.
 *
 * Every method may fail with ROUTER_UNREACHABLE or ROUTER_FAILED; every method that acts may be called twice
 * and acts once.
 */
import type { RepaveError } from '../errors.ts'
import type { Address } from '../model/address.ts'
import type { Route } from '../model/stack.ts'

/** `stack.environment.service`: the fleet's servers as the router knows them. */
export type PoolName = string

export interface RoutedService {
  readonly pool: PoolName
  readonly routes: readonly Route[]
}

export interface RouterServer {
  readonly pool: PoolName
  /** The instance's name. */
  readonly instance: string
  readonly address: Address
  /** `in`: gets new requests. `draining`: finishes those that it has. `down`: in, but does not answer. */
  readonly state: 'in' | 'draining' | 'down'
  /** Requests and upgraded connections that it is busy with. */
  readonly sessions: number
}

export interface RouterState {
  readonly services: readonly RoutedService[]
  readonly servers: readonly RouterServer[]
  /** Whether a certificate that it serves has been renewed: `configure` takes the new one. */
  readonly isOutdated: boolean
  /** Why a certificate can't be renewed: what its files hold now is not valid, and the earlier one is served on. */
  readonly problems: readonly RepaveError[]
}

export type RouterEvent = { readonly kind: 'changed' } | { readonly kind: 'lost' }

export interface Router {
  readonly kind: string
  /** The router's version; throws ROUTER_MISSING. Needs no running router. */
  version(): Promise<string>
  /**
   * Makes exactly these routes exist, starts the router when there are any, stops it when there are none.
   * Servers of pools that stay keep serving; no request is lost. A listener that can't be had, with PORT_IN_USE or
   * CERTIFICATE_INVALID, is left out; that is thrown once the others are there. One whose certificate was served
   * before goes on with that.
   */
  configure(services: readonly RoutedService[]): Promise<void>
  /** ROUTER_MISSING, PORT_IN_USE or CERTIFICATE_INVALID when it can't take these beside what it has; changes nothing. */
  check(services: readonly RoutedService[]): Promise<void>
  /** What the running router has; empty when none runs. */
  observe(): Promise<RouterState>
  /** Into rotation. A draining server comes back. The caller has seen it healthy. */
  add(pool: PoolName, instance: string, address: Address): Promise<void>
  /**
   * Out of rotation: no new request reaches it once the router has confirmed. Resolves when its requests are
   * done (`drained`), or when `timeoutMs` have passed and the rest were cut (`cut`); the server is gone then.
   * Unknown server: `drained`. A later call with a smaller timeout shortens the wait.
   */
  remove(pool: PoolName, instance: string, timeoutMs: number): Promise<'drained' | 'cut'>
  /** Calls `listener` until `signal` aborts; `lost` when a router that it told of went away. */
  watch(listener: (event: RouterEvent) => void, signal: AbortSignal): Promise<void>
}

export function poolName(key: {
  readonly stack: string
  readonly environment: string
  readonly service: string
}): PoolName {
  return `${key.stack}.${key.environment}.${key.service}`
}
