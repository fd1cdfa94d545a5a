/**
 * A load balancer in memory: it outlives the controllers that drive it, as a router's process does, and brings the
 * requests of simulated clients to servers. The memory router is the way in that the controller has.
 */
import type { Address } from '../../model/address.ts'
import type { Route } from '../../model/stack.ts'
import type { PoolName, RoutedService, RouterEvent, RouterServer } from '../router.ts'

/** What a client asks for. */
export interface MemoryRequest {
  readonly port: number
  readonly host: string
  readonly path: string
}

/** A request on its way, or a connection that stays open. */
export interface MemorySession {
  readonly instance: string
  readonly address: Address
  /** Resolves when it was cut; never, when its client ended it. */
  readonly cut: Promise<void>
  end(): void
}

export interface MemoryServer {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  draining: boolean
  readonly sessions: Set<Connection>
  /** Wakes whoever waits for its sessions to end. */
  changed: PromiseWithResolvers<void>
}

interface Connection {
  readonly cut: () => void
}

/** Whether anything listens at an address. */
export type Answers = (address: Address) => boolean

export class MemoryBalancer {
  /** Whether it can be driven; it serves on even when it can't. */
  reachable = true
  readonly #answers: Answers
  readonly #servers = new Map<string, MemoryServer>()
  readonly #listeners = new Set<(event: RouterEvent) => void>()
  readonly #foreignPorts = new Set<number>()
  #services: readonly RoutedService[] = []
  #turn = 0

  constructor(answers: Answers = () => true) {
    this.#answers = answers
  }

  // What befalls it.

  /** It goes away with all that it had, and with every session. */
  restart(): void {
    this.#services = []
    for (const server of this.#servers.values()) cutAll(server)
    this.#servers.clear()
    this.emit({ kind: 'lost' })
  }

  /** Something else listens on a port of this machine. */
  occupy(port: number): void {
    this.#foreignPorts.add(port)
  }

  vacate(port: number): void {
    this.#foreignPorts.delete(port)
  }

  isOccupied(port: number): boolean {
    return this.#foreignPorts.has(port)
  }

  // What clients do.

  /** Begins a request; undefined where no route or no server takes it. */
  open(request: MemoryRequest): MemorySession | undefined {
    const pool = this.poolFor(request)
    const able = [...this.#servers.values()].filter(
      (server) => server.pool === pool && !server.draining && this.#answers(server.address),
    )
    const server = able[this.#turn++ % Math.max(1, able.length)]
    return server && connect(server)
  }

  /** Where a request goes: routes that name its host before those that take any, then the longest path. */
  poolFor({ port, host, path }: MemoryRequest): PoolName | undefined {
    const fitting = this.#services
      .flatMap(({ pool, routes }) => routes.map((route) => ({ pool, route })))
      .filter(({ route }) => route.listen.port === port && (route.host ?? host) === host && hasPrefix(path, route.path))
      .toSorted((a, b) => rank(b.route) - rank(a.route))
    return fitting[0]?.pool
  }

  // What the router does to it.

  get services(): readonly RoutedService[] {
    return this.#services
  }

  get servers(): readonly RouterServer[] {
    return [...this.#servers.values()].map((server) => ({
      pool: server.pool,
      instance: server.instance,
      address: server.address,
      state: server.draining ? 'draining' : this.#answers(server.address) ? 'in' : 'down',
      sessions: server.sessions.size,
    }))
  }

  server(pool: PoolName, instance: string): MemoryServer | undefined {
    return this.#servers.get(serverKey(pool, instance))
  }

  serve(services: readonly RoutedService[]): void {
    this.#services = services
    const pools = new Set(services.map(({ pool }) => pool))
    for (const server of this.#servers.values()) if (!pools.has(server.pool)) this.drop(server)
    this.emit({ kind: 'changed' })
  }

  put(pool: PoolName, instance: string, address: Address): void {
    const changed = Promise.withResolvers<void>()
    const server: MemoryServer = { pool, instance, address, draining: false, sessions: new Set(), changed }
    this.#servers.set(serverKey(pool, instance), server)
  }

  /** Takes a server away, and cuts what it still has. */
  drop(server: MemoryServer): void {
    cutAll(server)
    const key = serverKey(server.pool, server.instance)
    if (this.#servers.get(key) === server) this.#servers.delete(key)
  }

  listen(listener: (event: RouterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  emit(event: RouterEvent): void {
    for (const listener of this.#listeners) queueMicrotask(() => listener(event))
  }
}

export function wakeWaiting(server: MemoryServer): void {
  server.changed.resolve()
  server.changed = Promise.withResolvers()
}

function connect(server: MemoryServer): MemorySession {
  const cut = Promise.withResolvers<void>()
  const connection: Connection = { cut: cut.resolve }
  server.sessions.add(connection)
  const end = () => {
    if (server.sessions.delete(connection)) wakeWaiting(server)
  }
  return { instance: server.instance, address: server.address, cut: cut.promise, end }
}

function cutAll(server: MemoryServer): void {
  for (const connection of server.sessions) connection.cut()
  server.sessions.clear()
  wakeWaiting(server)
}

function serverKey(pool: PoolName, instance: string): string {
  return `${pool}/${instance}`
}

/** Whole segments: `/api` takes `/api` and `/api/x`, not `/apis`. */
function hasPrefix(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}

function rank({ host, path }: Route): number {
  return (host === undefined ? 0 : 1_000_000) + path.length
}
