/**
 * A proxy in memory: its routes, its servers and the requests in flight. It outlives the routers that drive it, as
 * HAProxy outlives the controller; simulated clients send requests to it, and tests do to it what befalls one.
 */
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import type { PoolName, RoutedService, RouterEvent } from '../router.ts'
import { matchRoute, sameListener, type Target } from './route-match.ts'

export interface MemoryServer {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  draining: boolean
  readonly sessions: Set<MemorySession>
  /** When it last got a request, as a count of requests. */
  lastPick: number
}

/** A request or an upgraded connection that an instance is busy with. */
export interface MemorySession {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  /** Whether the router has cut it, so that its client got no whole answer. */
  readonly cut: boolean
  end(): void
}

/** `refused`: nobody listens there. */
export type Pick =
  | { readonly kind: 'refused' }
  | { readonly kind: 'no-route' }
  | { readonly kind: 'no-instance' }
  | { readonly kind: 'picked'; readonly session: MemorySession }

const holdAttempts = 30
const holdStepMs = 200

export class MemoryProxy {
  services: readonly RoutedService[] = []
  readonly servers = new Map<string, MemoryServer>()
  /** Servers whose pool is gone, with the requests that they still have. */
  readonly retired = new Map<string, MemoryServer>()
  /** Ports that something else listens on. */
  readonly occupiedPorts = new Set<number>()
  /** Certificate and key files that can't be used. */
  readonly badFiles = new Set<string>()
  /** Certificates that are not yet served as their files have them. */
  readonly renewedFiles = new Set<string>()
  readonly #clock: Clock
  readonly #answers: (address: Address) => boolean
  readonly #listeners = new Set<(event: RouterEvent) => void>()
  #change = Promise.withResolvers<void>()
  #picks = 0

  /** `answers`: whether something serves at an address; a server where nothing does is `down`. */
  constructor(clock: Clock, answers: (address: Address) => boolean = () => true) {
    this.#clock = clock
    this.#answers = answers
  }

  /** The instance for a request: the one with the fewest requests, and of these the one that waited longest. */
  pick(target: Target): Pick {
    const routes = this.services.flatMap((service) => service.routes)
    if (!routes.some(({ listen }) => sameListener(listen, target.listen))) return { kind: 'refused' }
    const pool = matchRoute(this.services, target)
    if (pool === undefined) return { kind: 'no-route' }
    const server = [...this.servers.values()]
      .filter((candidate) => candidate.pool === pool && !candidate.draining && this.answers(candidate))
      .toSorted((a, b) => a.sessions.size - b.sessions.size || a.lastPick - b.lastPick)[0]
    return server === undefined ? { kind: 'no-instance' } : { kind: 'picked', session: this.#begin(server) }
  }

  /** As `pick`, but a request for which there is no instance waits some six seconds for one. */
  async arrive(target: Target): Promise<Pick> {
    for (let attempt = 0; attempt < holdAttempts; attempt++) {
      const pick = this.pick(target)
      if (pick.kind !== 'no-instance') return pick
      await this.#clock.sleep(holdStepMs)
    }
    return this.pick(target)
  }

  answers(server: MemoryServer): boolean {
    return this.#answers(server.address)
  }

  /** It is killed: requests are cut, and nothing is left of it. */
  crash(): void {
    this.empty()
    for (const listener of this.#listeners) listener({ kind: 'lost' })
  }

  empty(): void {
    for (const server of [...this.servers.values(), ...this.retired.values()]) this.cut(server)
    this.servers.clear()
    this.retired.clear()
    this.services = []
    this.changed()
  }

  cut(server: MemoryServer): void {
    for (const session of server.sessions) Object.assign(session, { cut: true })
    server.sessions.clear()
    this.changed()
  }

  listen(listener: (event: RouterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Wakes whoever waits for `nextChange`. */
  changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  /** Resolves when anything in it changes, a request's end included. */
  nextChange(): Promise<void> {
    return this.#change.promise
  }

  #begin(server: MemoryServer): MemorySession {
    const { pool, instance, address } = server
    const end = () => {
      if (server.sessions.delete(session)) this.changed()
    }
    const session: MemorySession = { pool, instance, address, cut: false, end }
    server.lastPick = ++this.#picks
    server.sessions.add(session)
    return session
  }
}
