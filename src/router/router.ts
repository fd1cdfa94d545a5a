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

/**
 * Each server is in one of the two lanes of its pool. The pool's split says how many thousandths of the requests go to
 * lane b. A lane that has no server which is up gives its requests to the other one.
 */
export type Lane = 'a' | 'b'

export interface RoutedService {
  readonly pool: PoolName
  readonly routes: readonly Route[]
}

export interface RouterServer {
  readonly pool: PoolName
  /** The instance's name. */
  readonly instance: string
  readonly address: Address
  readonly lane: Lane
  /** `in`: gets new requests. `draining`: finishes those that it has. `down`: in, but does not answer. */
  readonly state: 'in' | 'draining' | 'down'
  /** Requests and upgraded connections that it is busy with. */
  readonly sessions: number
}

export interface RouterState {
  readonly services: readonly RoutedService[]
  readonly servers: readonly RouterServer[]
  /** Thousandths of a pool's requests that go to lane b; absent: none. */
  readonly splits: ReadonlyMap<PoolName, number>
  /** Whether a certificate that it serves was renewed, or another build configured it: `configure` puts that right. */
  readonly isOutdated: boolean
  /** Why a certificate can't be renewed: what its files hold now is not valid, and the earlier one is served on. */
  readonly problems: readonly RepaveError[]
}

export type RouterEvent = { readonly kind: 'changed' } | { readonly kind: 'lost' }

/** A request that has come to its end. An upgraded connection is told of when it ends, with status 101. */
export interface Answered {
  readonly pool: PoolName
  /** Who answered, or was asked last; null: none was reached. */
  readonly instance: string | null
  /** That of the instance, or else that the request was for. */
  readonly lane: Lane
  /** Of the whole answer, also where it is the router's own; 0: the request was cut before, by whomever. */
  readonly status: number
  /** From when its head had arrived to the last byte of its answer, or to the upgrade. */
  readonly timeMs: number
}

/** `lost`: there were requests of which nothing was told. */
export type Figures = { readonly kind: 'answers'; readonly answers: readonly Answered[] } | { readonly kind: 'lost' }

export const answerClasses = ['1xx', '2xx', '3xx', '4xx', '5xx', 'other'] as const
export type AnswerClass = (typeof answerClasses)[number]

/** What a lane had to do with since the router began or took another configuration: it counts from 0 then. */
export interface LaneCounts {
  readonly pool: PoolName
  readonly lane: Lane
  /** By their status, the router's own too. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests that wait for an instance now, and that are under way. */
  readonly waiting: number
  readonly open: number
  /** The mean of the newest answers; 0: there were none. */
  readonly meanMs: number
}

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
  /**
   * Into a lane. A draining server comes back; one that is in the other lane is moved, and finishes there what it has.
   * The caller has seen it healthy.
   */
  add(pool: PoolName, instance: string, address: Address, lane: Lane): Promise<void>
  /**
   * `toB` thousandths of the requests, on kept-alive connections too, go to lane b from here on, whatever becomes of
   * the controller or the router. Forgotten with the pool.
   */
  split(pool: PoolName, toB: number): Promise<void>
  /**
   * Out of rotation: no new request reaches it once the router has confirmed. Resolves when its requests are
   * done (`drained`), or when `timeoutMs` have passed and the rest were cut (`cut`); the server is gone then.
   * Unknown server: `drained`. A later call with a smaller timeout shortens the wait.
   */
  remove(pool: PoolName, instance: string, timeoutMs: number): Promise<'drained' | 'cut'>
  /** Calls `listener` until `signal` aborts; `lost` when a router that it told of went away. */
  watch(listener: (event: RouterEvent) => void, signal: AbortSignal): Promise<void>
  /** Tells `listener` of the requests of all pools, each once, until `signal` aborts. */
  measure(listener: (figures: Figures) => void, signal: AbortSignal): Promise<void>
  /** What is counted of each lane anyway; empty when no router runs. */
  counts(): Promise<readonly LaneCounts[]>
}

export function poolName(key: {
  readonly stack: string
  readonly environment: string
  readonly service: string
}): PoolName {
  return `${key.stack}.${key.environment}.${key.service}`
}
