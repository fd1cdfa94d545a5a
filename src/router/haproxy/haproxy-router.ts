/**
 * The HAProxy router: one HAProxy per state folder, which serves on whatever becomes of the controller.
 *
 * Servers, and routes on listeners that are there, change through its sockets. Only what needs a new listener,
 * pool or certificate reloads it, and the old worker hands what still reaches it to the new one (config.ts).
 * All that is known about it is read from the running HAProxy, so that any controller can go on with it.
 */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import { systemClock, type Clock } from '../../system/clock.ts'
import { Serial } from '../../system/serial.ts'
import type { PoolName, RoutedService, Router, RouterEvent, RouterServer, RouterState } from '../router.ts'
import { connectionLimit, workerAccount } from './account.ts'
import type { Pem } from './certificates.ts'
import { checkName, checkServer, checkServices } from './checks.ts'
import {
  frontendName,
  layoutId,
  listenersOf,
  pemFolder,
  renderConfig,
  routesFile,
  tlsFile,
  type Layout,
  type StaticServer,
} from './config.ts'
import { haproxyVersion } from './haproxy-binary.ts'
import { HaproxyProcess, type ConfigFiles, type Running } from './haproxy-process.ts'
import { pairKey, PemSource } from './pem-source.ts'
import { checkPort } from './ports.ts'
import { Removal } from './removal.ts'
import { mapChanges, parseMap, renderMap, routeEntries, servicesOf, tlsEntries, type MapEntries } from './routing.ts'
import { Servers } from './servers.ts'
import { watchHaproxy } from './watch.ts'
import type { ServerRow } from './worker-report.ts'

export interface HaproxyOptions {
  /** Holds the configuration, certificates, log and sockets; made when missing, for its owner only. */
  readonly folder: string
  /** Default: `haproxy` on the PATH. */
  readonly binary?: string
  readonly clock?: Clock
}

export function createHaproxyRouter(options: HaproxyOptions): Router {
  return new HaproxyRouter(options)
}

/** What `configure` was asked for, checked and ready to be written. */
interface Plan {
  readonly layout: Layout
  readonly layoutId: string
  readonly routes: MapEntries
  readonly tls: MapEntries
  readonly pems: ReadonlyMap<string, string>
}

class HaproxyRouter implements Router {
  readonly kind = 'haproxy'
  readonly #binary: string
  readonly #clock: Clock
  readonly #haproxy: HaproxyProcess
  readonly #servers: Servers
  readonly #pems: PemSource
  /** What changes HAProxy does so alone: a reload must not overtake a change of a server. */
  readonly #changes = new Serial()
  readonly #removals = new Map<string, Removal>()

  constructor({ folder, binary = 'haproxy', clock = systemClock }: HaproxyOptions) {
    this.#binary = binary
    this.#clock = clock
    this.#haproxy = new HaproxyProcess(resolve(folder), binary, clock)
    this.#servers = new Servers(this.#haproxy, clock)
    this.#pems = new PemSource(resolve(folder), binary)
  }

  async version(): Promise<string> {
    return haproxyVersion(this.#binary)
  }

  async check(services: readonly RoutedService[]): Promise<void> {
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      if (running === undefined && services.length > 0) await this.version()
      await this.#plan(services, running)
    })
  }

  async configure(services: readonly RoutedService[]): Promise<void> {
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      const plan = await this.#plan(services, running)
      if (plan.layout.listeners.length === 0) return this.#haproxy.stop(() => this.#isBusy())
      if (running === undefined) return this.#start(plan)
      if ((await this.#runningLayout(running)) !== plan.layoutId) return this.#reload(running, plan)
      return this.#changeMaps(running, plan)
    })
  }

  async observe(): Promise<RouterState> {
    return this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      if (running === undefined) return { services: [], servers: [] }
      const [services, servers, sessions] = await Promise.all([
        this.#observeServices(running),
        this.#servers.list(running),
        this.#servers.sessions(running),
      ])
      return { services, servers: servers.map((row) => observedServer(row, sessions)) }
    })
  }

  async add(pool: PoolName, instance: string, address: Address): Promise<void> {
    checkServer(pool, instance, address)
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      if (running === undefined) throw notRunning()
      await this.#haproxy.trimLog()
      await this.#servers.add(running, pool, instance, address)
      this.#removals.get(serverKey(pool, instance))?.cancel()
      this.#removals.delete(serverKey(pool, instance))
    })
  }

  async remove(pool: PoolName, instance: string, timeoutMs: number): Promise<'drained' | 'cut'> {
    checkName(pool)
    checkName(instance)
    const key = serverKey(pool, instance)
    const earlier = this.#removals.get(key)
    if (earlier !== undefined) {
      earlier.shorten(timeoutMs)
      return earlier.result
    }
    const removal = new Removal(this.#clock, timeoutMs, (self) => this.#remove(self, pool, instance))
    this.#removals.set(key, removal)
    try {
      return await removal.result
    } finally {
      if (this.#removals.get(key) === removal) this.#removals.delete(key)
    }
  }

  async watch(listener: (event: RouterEvent) => void, signal: AbortSignal): Promise<void> {
    await watchHaproxy(this.#haproxy, this.#clock, listener, signal)
  }

  async #plan(services: readonly RoutedService[], running: Running | undefined): Promise<Plan> {
    checkServices(services)
    const routes = routeEntries(services)
    const pems = await this.#readPems(services)
    const listeners = listenersOf(services, (tls) => `${pemFolder}/${pems.get(pairKey(tls))?.name}`)
    const held = running === undefined ? [] : await this.#servers.frontends(running)
    for (const { listen } of listeners)
      if (!held.includes(frontendName(listen))) await checkPort(listen, this.#haproxy.configFile)
    const [account, maxConnections] = await Promise.all([workerAccount(), connectionLimit()])
    const pools = services.map(({ pool }) => pool).toSorted()
    const layout = { listeners, pools, ...(account && { account }), maxConnections }
    const pemTexts = new Map([...pems.values()].map(({ name, text }) => [name, text]))
    return { layout, layoutId: layoutId(layout), routes, tls: tlsEntries(services), pems: pemTexts }
  }

  async #readPems(services: readonly RoutedService[]): Promise<ReadonlyMap<string, Pem>> {
    const pems = new Map<string, Pem>()
    for (const { tls } of services.flatMap((service) => service.routes)) {
      if (tls === undefined || pems.has(pairKey(tls))) continue
      const found = await this.#pems.find(tls, new Set())
      if (found instanceof RepaveError) throw found
      pems.set(pairKey(tls), found)
    }
    return pems
  }

  async #start(plan: Plan): Promise<void> {
    await this.#haproxy.start(configFiles(plan, []))
  }

  async #reload(running: Running, plan: Plan): Promise<void> {
    const servers = (await this.#servers.list(running)).filter(({ pool }) => plan.layout.pools.includes(pool))
    const reloaded = await this.#haproxy.reload(configFiles(plan, Servers.toStatic(servers)))
    await this.#servers.restore(reloaded, servers)
  }

  async #changeMaps({ current }: Running, plan: Plan): Promise<void> {
    const [routes, tls] = await this.#maps(current)
    const changes = [...mapChanges(routesFile, routes, plan.routes), ...mapChanges(tlsFile, tls, plan.tls)]
    for (const command of changes) await this.#haproxy.master.tell(current, command)
  }

  async #observeServices(running: Running): Promise<readonly RoutedService[]> {
    const [routes, tls] = await this.#maps(running.current)
    return servicesOf(routes, tls)
  }

  async #maps(pid: number): Promise<readonly [MapEntries, MapEntries]> {
    const [routes, tls] = await Promise.all(
      [routesFile, tlsFile].map((file) => this.#haproxy.master.tell(pid, `show map ${file}`)),
    )
    return [parseMap(routes ?? ''), parseMap(tls ?? '')]
  }

  async #runningLayout({ current }: Running): Promise<string | undefined> {
    return (await this.#haproxy.info(current)).get('description')?.split(' ')[0]
  }

  async #remove(removal: Removal, pool: PoolName, instance: string): Promise<'drained' | 'cut'> {
    await this.#ifRunning((running) => this.#takeOut(running, pool, instance))
    const drained = await removal.waitUntilIdle(() => this.#sessionsLeft(pool, instance))
    return this.#changes.run(async () => {
      removal.assertWanted(serverKey(pool, instance))
      const running = await this.#haproxy.running()
      if (running === undefined) return drained ? 'drained' : 'cut'
      if (!drained) await this.#cutAll(running, pool, instance)
      await this.#servers.delete(running, pool, instance)
      return drained ? 'drained' : 'cut'
    })
  }

  async #takeOut(running: Running, pool: PoolName, instance: string): Promise<void> {
    const server = await this.#servers.find(running, pool, instance)
    if (server?.admin === 'ready') await this.#servers.drain(running, pool, instance)
  }

  async #sessionsOf(running: Running, pool: PoolName, instance: string): Promise<number> {
    return (await this.#servers.sessions(running, pool)).get(serverKey(pool, instance)) ?? 0
  }

  async #isBusy(): Promise<boolean> {
    const running = await this.#haproxy.running()
    if (running === undefined) return false
    return (await this.#servers.sessions(running)).values().some((count) => count > 0)
  }

  /** Never asked in the middle of a reload, when neither worker may answer. */
  async #sessionsLeft(pool: PoolName, instance: string): Promise<number> {
    return this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      return running === undefined ? 0 : this.#sessionsOf(running, pool, instance)
    })
  }

  /** Cuts until nothing is left, since a replaced worker tries idempotent requests again. */
  async #cutAll(running: Running, pool: PoolName, instance: string): Promise<void> {
    const deadline = this.#clock.now() + cutDeadlineMs
    do {
      await this.#servers.cut(running, pool, instance)
      await this.#clock.sleep(cutPollMs)
    } while ((await this.#sessionsOf(running, pool, instance)) > 0 && this.#clock.now() < deadline)
  }

  async #ifRunning(change: (running: Running) => Promise<void>): Promise<void> {
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      if (running !== undefined) await change(running)
    })
  }
}

const cutPollMs = 5
const cutDeadlineMs = 2_000

function configFiles(plan: Plan, servers: readonly StaticServer[]): ConfigFiles {
  const description = `${plan.layoutId} ${randomUUID()}`
  return {
    description,
    config: renderConfig(plan.layout, servers, description),
    routes: renderMap(plan.routes),
    tls: renderMap(plan.tls),
    pems: plan.pems,
  }
}

function observedServer(row: ServerRow, sessions: ReadonlyMap<string, number>): RouterServer {
  const { pool, instance, address, admin, up } = row
  const state = admin === 'ready' ? (up ? 'in' : 'down') : 'draining'
  return { pool, instance, address, state, sessions: sessions.get(serverKey(pool, instance)) ?? 0 }
}

function serverKey(pool: PoolName, instance: string): string {
  return `${pool}/${instance}`
}

function notRunning(): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', 'HAProxy is not running', {
    hint: 'it is started with the next route that is configured',
  })
}
