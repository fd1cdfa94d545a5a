/** The router over a proxy in memory: the contract, with nothing but its clock and that proxy. */
import { once } from 'node:events'
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Route } from '../../model/stack.ts'
import type { Clock } from '../../system/clock.ts'
import type { Figures, Lane, LaneCounts, PoolName, RoutedService, Router, RouterEvent, RouterState } from '../router.ts'
import type { MemoryProxy, MemoryServer } from './memory-proxy.ts'
import { assertDistinct, sameListener } from './route-match.ts'

interface Removal {
  deadlineMs: number
  result: Promise<'drained' | 'cut'>
}

/** `signal`: the controller's end, after which nothing that it had begun goes on; servers stay as they are. */
export class MemoryRouter implements Router {
  readonly kind = 'memory'
  readonly #proxy: MemoryProxy
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #removals = new Map<string, Removal>()

  constructor(proxy: MemoryProxy, clock: Clock, signal: AbortSignal = new AbortController().signal) {
    this.#proxy = proxy
    this.#clock = clock
    this.#signal = signal
  }

  async version(): Promise<string> {
    return 'memory'
  }

  async check(services: readonly RoutedService[]): Promise<void> {
    assertDistinct(services)
    const [trouble] = services.flatMap(({ routes }) => routes).flatMap((route) => this.#troubleOf(route) ?? [])
    if (trouble) throw trouble
  }

  async configure(services: readonly RoutedService[]): Promise<void> {
    assertDistinct(services)
    if (services.every(({ routes }) => routes.length === 0)) return this.#proxy.empty()
    const leftOut = new Map<Route, RepaveError>()
    for (const route of services.flatMap(({ routes }) => routes)) {
      const trouble = this.#isServed(route) ? undefined : this.#troubleOf(route)
      if (trouble) leftOut.set(route, trouble)
    }
    this.#serve(services, (route) => !leftOut.has(route))
    const [first] = leftOut.values()
    if (first) throw first
  }

  async observe(): Promise<RouterState> {
    const servers = [...this.#proxy.servers.values()].map((server) => {
      const { pool, instance, address, lane, sessions } = server
      return { pool, instance, address, lane, state: this.#stateOf(server), sessions: sessions.size }
    })
    const services = this.#proxy.services.filter(({ routes }) => routes.length > 0)
    const splits = this.#proxy.splits.of(this.#proxy.services.map(({ pool }) => pool))
    return { services, servers, splits, ...this.#freshness(services) }
  }

  async add(pool: PoolName, instance: string, address: Address, lane: Lane): Promise<void> {
    this.#assertPool(pool)
    const key = serverKey(pool, instance)
    const known = this.#proxy.servers.get(key)
    this.#removals.delete(key)
    if (known !== undefined && known.address.host === address.host && known.address.port === address.port)
      Object.assign(known, { lane, draining: false })
    else this.#replace(key, { pool, instance, address, lane, draining: false, sessions: new Set(), lastPick: 0 })
    this.#proxy.changed()
  }

  async split(pool: PoolName, toB: number): Promise<void> {
    this.#assertPool(pool)
    this.#proxy.splits.set(pool, toB)
    this.#proxy.changed()
  }

  async remove(pool: PoolName, instance: string, timeoutMs: number): Promise<'drained' | 'cut'> {
    const key = serverKey(pool, instance)
    const server = this.#proxy.servers.get(key) ?? this.#proxy.retired.get(key)
    if (server === undefined) return 'drained'
    const deadlineMs = this.#clock.steady() + timeoutMs
    const earlier = this.#removals.get(key)
    if (earlier === undefined) return this.#startRemoval(key, server, deadlineMs)
    earlier.deadlineMs = Math.min(earlier.deadlineMs, deadlineMs)
    this.#proxy.changed()
    return earlier.result
  }

  async watch(listener: (event: RouterEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const stop = this.#proxy.listen(listener)
    await once(signal, 'abort')
    stop()
  }

  async measure(listener: (figures: Figures) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const stop = this.#proxy.measure(listener)
    await once(signal, 'abort')
    stop()
  }

  async counts(): Promise<readonly LaneCounts[]> {
    return this.#proxy.counts()
  }

  #assertPool(pool: PoolName): void {
    if (!this.#proxy.services.some((service) => service.pool === pool)) throw poolUnknown(pool)
  }

  #serve(services: readonly RoutedService[], isHad: (route: Route) => boolean): void {
    const pools = new Set(services.map(({ pool }) => pool))
    for (const [key, server] of this.#proxy.servers) if (!pools.has(server.pool)) this.#retire(key, server)
    this.#proxy.serve(services.map(({ pool, routes }) => ({ pool, routes: routes.filter(isHad) })))
    this.#proxy.renewedFiles.clear()
  }

  #freshness(services: readonly RoutedService[]): Pick<RouterState, 'isOutdated' | 'problems'> {
    const files = services.flatMap(({ routes }) => routes).flatMap(({ tls }) => (tls ? [tls.certificate, tls.key] : []))
    const { badFiles, renewedFiles } = this.#proxy
    return {
      isOutdated: files.some((file) => renewedFiles.has(file)),
      problems: [...new Set(files)].filter((file) => badFiles.has(file)).map(certificateInvalid),
    }
  }

  /** Its port is held, and its certificate is kept, whatever has become of the files. */
  #isServed(route: Route): boolean {
    const routes = this.#proxy.services.flatMap((service) => service.routes)
    return routes.some(
      ({ listen, tls }) =>
        sameListener(listen, route.listen) &&
        tls?.certificate === route.tls?.certificate &&
        tls?.key === route.tls?.key,
    )
  }

  #troubleOf({ listen, tls }: Route): RepaveError | undefined {
    if (this.#proxy.occupiedPorts.has(listen.port)) return portInUse(listen.port)
    const bad = [tls?.certificate, tls?.key].find((file) => file !== undefined && this.#proxy.badFiles.has(file))
    return bad === undefined ? undefined : certificateInvalid(bad)
  }

  #stateOf(server: MemoryServer): 'in' | 'draining' | 'down' {
    if (server.draining) return 'draining'
    return this.#proxy.answers(server) ? 'in' : 'down'
  }

  #retire(key: string, server: MemoryServer): void {
    this.#proxy.servers.delete(key)
    this.#proxy.retired.set(key, server)
  }

  #replace(key: string, server: MemoryServer): void {
    const known = this.#proxy.servers.get(key)
    if (known !== undefined) this.#proxy.cut(known)
    this.#proxy.servers.set(key, server)
  }

  async #startRemoval(key: string, server: MemoryServer, deadlineMs: number): Promise<'drained' | 'cut'> {
    server.draining = true
    const removal: Removal = { deadlineMs, result: Promise.resolve('drained') }
    this.#removals.set(key, removal)
    removal.result = this.#finishRemoval(key, server, removal)
    return removal.result
  }

  async #finishRemoval(key: string, server: MemoryServer, removal: Removal): Promise<'drained' | 'cut'> {
    while (server.sessions.size > 0 && this.#clock.steady() < removal.deadlineMs) {
      await this.#changeOrTime(removal.deadlineMs)
      this.#signal.throwIfAborted()
      if (this.#removals.get(key) !== removal) throw addedAgain(key)
    }
    const outcome = server.sessions.size > 0 ? 'cut' : 'drained'
    this.#proxy.cut(server)
    for (const servers of [this.#proxy.servers, this.#proxy.retired])
      if (servers.get(key) === server) servers.delete(key)
    this.#removals.delete(key)
    return outcome
  }

  async #changeOrTime(atMs: number): Promise<void> {
    const enough = new AbortController()
    const timer = this.#clock.sleep(atMs - this.#clock.steady(), enough.signal).catch(() => undefined)
    await Promise.race([this.#proxy.nextChange(), timer])
    enough.abort('enough')
  }
}

function serverKey(pool: PoolName, instance: string): string {
  return `${pool}/${instance}`
}

function portInUse(port: number): RepaveError {
  return new RepaveError('PORT_IN_USE', `port ${port} is taken`, { hint: 'route on another port' })
}

function certificateInvalid(file: string): RepaveError {
  return new RepaveError('CERTIFICATE_INVALID', `${file} can't be used`, { hint: 'name another file' })
}

function poolUnknown(pool: PoolName): RepaveError {
  return new RepaveError('ROUTER_FAILED', `there is no pool ${pool}`, { hint: 'configure its routes first' })
}

function addedAgain(name: string): RepaveError {
  return new RepaveError('ROUTER_FAILED', `${name} was added again while it drained, and serves on`, {
    hint: 'remove it again if it is to go',
  })
}
