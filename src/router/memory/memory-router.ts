/** A router in memory, on the clock that it is given; what it drives goes on without it. */
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import type { PoolName, RoutedService, Router, RouterEvent, RouterState } from '../router.ts'
import { wakeWaiting, type MemoryBalancer, type MemoryServer } from './memory-balancer.ts'

export interface MemoryRouterOptions {
  /** What every call takes. */
  readonly latencyMs?: number
  /** Aborts when the process that drives this router is gone: nothing that it had begun is carried further. */
  readonly gone?: AbortSignal
}

/** One server on its way out. */
interface Removal {
  readonly server: MemoryServer
  readonly result: Promise<'drained' | 'cut'>
  deadlineMs: number
}

export class MemoryRouter implements Router {
  readonly kind = 'memory'
  readonly #balancer: MemoryBalancer
  readonly #clock: Clock
  readonly #latencyMs: number
  readonly #gone: AbortSignal | undefined
  readonly #removals = new Map<MemoryServer, Removal>()

  constructor(balancer: MemoryBalancer, clock: Clock, options: MemoryRouterOptions = {}) {
    this.#balancer = balancer
    this.#clock = clock
    this.#latencyMs = options.latencyMs ?? 0
    this.#gone = options.gone
  }

  async version(): Promise<string> {
    return '1'
  }

  async configure(services: readonly RoutedService[]): Promise<void> {
    await this.#take()
    this.#assertPossible(services)
    this.#balancer.serve(services)
  }

  async check(services: readonly RoutedService[]): Promise<void> {
    await this.#take()
    this.#assertPossible(services)
  }

  async observe(): Promise<RouterState> {
    await this.#take()
    return { services: this.#balancer.services, servers: this.#balancer.servers }
  }

  async add(pool: PoolName, instance: string, address: Address): Promise<void> {
    await this.#take()
    if (!this.#balancer.services.some((service) => service.pool === pool)) throw unknownPool(pool)
    const existing = this.#balancer.server(pool, instance)
    if (existing && sameAddress(existing.address, address)) comeBack(existing)
    else {
      if (existing) this.#balancer.drop(existing)
      this.#balancer.put(pool, instance, address)
    }
  }

  async remove(pool: PoolName, instance: string, timeoutMs: number): Promise<'drained' | 'cut'> {
    await this.#take()
    const server = this.#balancer.server(pool, instance)
    if (!server) return 'drained'
    const deadlineMs = this.#clock.now() + timeoutMs
    const earlier = this.#removals.get(server)
    if (!earlier) return this.#begin(server, deadlineMs).result
    earlier.deadlineMs = Math.min(earlier.deadlineMs, deadlineMs)
    wakeWaiting(server)
    return earlier.result
  }

  async watch(listener: (event: RouterEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const aborted = Promise.withResolvers<void>()
    const stop = this.#balancer.listen((event) => signal.aborted || listener(event))
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    await aborted.promise
    stop()
  }

  #begin(server: MemoryServer, deadlineMs: number): Removal {
    server.draining = true
    const removal: Removal = { server, deadlineMs, result: Promise.resolve().then(() => this.#drain(removal)) }
    this.#removals.set(server, removal)
    return removal
  }

  async #drain(removal: Removal): Promise<'drained' | 'cut'> {
    const { server } = removal
    while (server.draining && server.sessions.size > 0 && this.#clock.now() < removal.deadlineMs)
      await this.#waitForChange(removal)
    await this.#unlessGone()
    this.#removals.delete(server)
    if (!server.draining) throw addedAgain(server)
    const outcome = server.sessions.size === 0 ? 'drained' : 'cut'
    this.#balancer.drop(server)
    return outcome
  }

  async #waitForChange({ server, deadlineMs }: Removal): Promise<void> {
    const changed = server.changed.promise
    const enough = new AbortController()
    const timeout = this.#clock.sleep(deadlineMs - this.#clock.now(), enough.signal).catch(() => undefined)
    await Promise.race([changed, timeout])
    enough.abort()
  }

  /** Lets a call take its time; it does nothing unless the router answers before and after. */
  async #take(): Promise<void> {
    this.#assertReachable()
    if (this.#latencyMs > 0) await this.#clock.sleep(this.#latencyMs)
    await this.#unlessGone()
    this.#assertReachable()
  }

  async #unlessGone(): Promise<void> {
    if (this.#gone?.aborted) await new Promise(() => undefined)
  }

  #assertReachable(): void {
    if (this.#balancer.reachable) return
    throw new RepaveError('ROUTER_UNREACHABLE', 'the memory router does not answer', {
      hint: 'make it reachable again',
    })
  }

  #assertPossible(services: readonly RoutedService[]): void {
    for (const { listen } of services.flatMap(({ routes }) => routes))
      if (this.#balancer.isOccupied(listen.port)) throw portInUse(listen.port)
  }
}

function comeBack(server: MemoryServer): void {
  server.draining = false
  wakeWaiting(server)
}

function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}

function unknownPool(pool: PoolName): RepaveError {
  return new RepaveError('ROUTER_FAILED', `the router has no pool ${pool}`, { hint: 'configure its routes first' })
}

function addedAgain({ instance }: MemoryServer): RepaveError {
  return new RepaveError('ROUTER_FAILED', `${instance} was added again while it drained, and serves on`, {
    hint: 'remove it again if it is to go',
  })
}

function portInUse(port: number): RepaveError {
  return new RepaveError('PORT_IN_USE', `port ${port} is in use by another program`, {
    hint: 'stop that program, or choose another port for the route',
  })
}
