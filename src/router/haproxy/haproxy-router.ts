/**
 * The HAProxy router: one HAProxy per state folder, which serves on whatever becomes of the controller.
 *
 * Servers, and routes on listeners that are there, change through its sockets. Only what needs a new listener,
 * pool or certificate reloads it, and the old worker hands what still reaches it to the new one (config.ts).
 * All that is known about it is read from the running HAProxy, so that any controller can go on with it.
 */
import { resolve } from 'node:path'
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import { systemClock, type Clock } from '../../system/clock.ts'
import { Serial } from '../../system/serial.ts'
import type {
  Figures,
  Lane,
  LaneCounts,
  PoolName,
  RoutedService,
  Router,
  RouterEvent,
  RouterServer,
  RouterState,
} from '../router.ts'
import { checkName, checkServer, checkSplit } from './checks.ts'
import {
  describe,
  parseDescription,
  renderConfig,
  routesFile,
  splitFile,
  tlsFile,
  type StaticServer,
} from './config.ts'
import { haproxyVersion } from './haproxy-binary.ts'
import { HaproxyProcess, type ConfigFiles, type Running } from './haproxy-process.ts'
import { parseCounts, showCounts } from './lane-counts.ts'
import { pooledServers, stateOf, type PooledServer } from './lanes.ts'
import { measureHaproxy } from './measure.ts'
import { PemSource } from './pem-source.ts'
import { Removal } from './removal.ts'
import { planRoutes, type RoutesPlan } from './routes-plan.ts'
import { mapChanges, parseMap, renderMap, servicesOf, splitsOf } from './routing.ts'
import { countSessions, listServers, notRunning, serverKey, Servers, type SessionCounts } from './servers.ts'
import { parseMaps, showMaps, Survey } from './survey.ts'
import { watchHaproxy } from './watch.ts'
import { parseServers, parseSessions } from './worker-report.ts'

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

class HaproxyRouter implements Router {
  readonly kind = 'haproxy'
  readonly #binary: string
  readonly #clock: Clock
  readonly #haproxy: HaproxyProcess
  readonly #servers: Servers
  readonly #survey: Survey
  /** What changes HAProxy does so alone: a reload must not overtake a change of a server. */
  readonly #changes = new Serial()
  readonly #removals = new Map<string, Removal>()
  /** The worker that was last asked whether this build could have written its configuration. */
  #lookedAt: { readonly pid: number; readonly isOfThisForm: boolean } | undefined

  constructor({ folder, binary = 'haproxy', clock = systemClock }: HaproxyOptions) {
    this.#binary = binary
    this.#clock = clock
    this.#haproxy = new HaproxyProcess(resolve(folder), binary, clock)
    this.#servers = new Servers(this.#haproxy, clock)
    this.#survey = new Survey(this.#haproxy, this.#servers, new PemSource(resolve(folder), binary))
  }

  async version(): Promise<string> {
    return haproxyVersion(this.#binary)
  }

  async check(services: readonly RoutedService[]): Promise<void> {
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      if (running === undefined && services.length > 0) await this.version()
      const { certificates, ports } = await this.#survey.of(services, running)
      const [trouble] = [...ports.values(), ...[...certificates.values()].flatMap(({ error }) => error ?? [])]
      if (trouble) throw trouble
    })
  }

  async configure(services: readonly RoutedService[]): Promise<void> {
    await this.#changes.run(async () => {
      const running = await this.#haproxy.running()
      const plan = planRoutes(services, await this.#survey.of(services, running))
      await this.#apply(plan, running)
      const [missing] = plan.missing
      if (missing) throw missing
    })
  }

  async observe(): Promise<RouterState> {
    return this.#changes.run(async () => {
      const seen = await this.#haproxy.survey([listServers(), countSessions(), ...showMaps])
      if (seen === undefined) return { services: [], servers: [], splits: new Map(), isOutdated: false, problems: [] }
      const [listed = '', counted = '', ...shown] = seen.answers
      const { routes, tls, splits } = parseMaps(shown)
      const services = servicesOf(routes, tls)
      const sessions = await this.#servers.addLeaving(seen.running, parseSessions(counted))
      const servers = pooledServers(parseServers(listed)).map((server) => observedServer(server, sessions))
      const { isOutdated, problems } = await this.#survey.freshness(services, tls)
      const isOfEarlierBuild = !(await this.#isOfThisForm(seen.running))
      return { services, servers, splits: splitsOf(splits), isOutdated: isOutdated || isOfEarlierBuild, problems }
    })
  }

  async add(pool: PoolName, instance: string, address: Address, lane: Lane): Promise<void> {
    checkServer(pool, instance, address)
    await this.#changes.run(async () => {
      await this.#servers.add(pool, instance, address, lane)
      await this.#haproxy.trimLog()
      this.#removals.get(serverKey(pool, instance))?.cancel()
      this.#removals.delete(serverKey(pool, instance))
    })
  }

  async split(pool: PoolName, toB: number): Promise<void> {
    checkSplit(pool, toB)
    await this.#changes.run(async () => {
      const seen = await this.#haproxy.look([`set map ${splitFile} ${pool} ${toB}`, `show map ${splitFile}`])
      if (seen === undefined) throw notRunning()
      const splits = parseMap(seen.answers[1] ?? '')
      if (splits.get(pool) !== String(toB)) throw notSplit(pool, seen.answers[0] ?? '')
      await this.#haproxy.writeSplits(renderMap(splits))
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

  async measure(listener: (figures: Figures) => void, signal: AbortSignal): Promise<void> {
    await measureHaproxy(this.#haproxy, this.#clock, listener, signal)
  }

  async counts(): Promise<readonly LaneCounts[]> {
    const seen = await this.#haproxy.look([...showMaps, showCounts])
    if (seen === undefined) return []
    const { routes, tls } = parseMaps(seen.answers)
    return parseCounts(seen.answers.at(-1) ?? '', new Set(servicesOf(routes, tls).map(({ pool }) => pool)))
  }

  async #apply(plan: RoutesPlan, running: Running | undefined): Promise<void> {
    const isNothing = plan.layout.listeners.length === 0
    if (isNothing && plan.missing.length > 0) return
    if (isNothing) return this.#haproxy.stop(() => this.#isBusy())
    if (running === undefined) return this.#start(plan)
    const described = await this.#described(running)
    if (described.layoutId !== plan.layoutId || !described.isOfThisForm) return this.#reload(running, plan)
    return this.#changeMaps(running, plan)
  }

  async #start(plan: RoutesPlan): Promise<void> {
    await this.#haproxy.start(configFiles(plan, []))
  }

  async #reload(running: Running, plan: RoutesPlan): Promise<void> {
    const servers = (await this.#servers.list(running)).filter(({ pool }) => plan.layout.pools.includes(pool))
    const reloaded = await this.#haproxy.reload(configFiles(plan, Servers.toStatic(servers)))
    await this.#servers.restore(reloaded, servers)
  }

  async #changeMaps({ current }: Running, plan: RoutesPlan): Promise<void> {
    const { routes, tls } = await this.#survey.maps(current)
    const changes = [...mapChanges(routesFile, routes, plan.routes), ...mapChanges(tlsFile, tls, plan.tls)]
    for (const command of changes) await this.#haproxy.tell(current, command)
    if (changes.length > 0) await this.#haproxy.writeMaps(mapTexts(plan))
  }

  async #described({ current }: Running) {
    return parseDescription((await this.#haproxy.info(current)).get('description') ?? '')
  }

  /** Asked once of each worker. */
  async #isOfThisForm(running: Running): Promise<boolean> {
    if (this.#lookedAt?.pid !== running.current)
      this.#lookedAt = { pid: running.current, isOfThisForm: (await this.#described(running)).isOfThisForm }
    return this.#lookedAt.isOfThisForm
  }

  async #remove(removal: Removal, pool: PoolName, instance: string): Promise<'drained' | 'cut'> {
    await this.#changes.run(() => this.#servers.drain(pool, instance))
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
    const deadline = this.#clock.steady() + cutDeadlineMs
    do {
      await this.#servers.cut(running, pool, instance)
      await this.#clock.sleep(cutPollMs)
    } while ((await this.#sessionsOf(running, pool, instance)) > 0 && this.#clock.steady() < deadline)
  }
}

const cutPollMs = 5
const cutDeadlineMs = 2_000

function configFiles(plan: RoutesPlan, servers: readonly StaticServer[]): ConfigFiles {
  const description = describe(plan.layout)
  return {
    description,
    config: renderConfig(plan.layout, servers, description),
    ...mapTexts(plan),
    pems: plan.pems,
  }
}

function mapTexts({ routes, tls, splits }: RoutesPlan): Pick<ConfigFiles, 'routes' | 'tls' | 'splits'> {
  return { routes: renderMap(routes), tls: renderMap(tls), splits: renderMap(splits) }
}

function observedServer(server: PooledServer, sessions: SessionCounts): RouterServer {
  const { pool, instance, address, lane } = server
  const count = sessions.get(serverKey(pool, instance)) ?? 0
  return { pool, instance, address, lane, state: stateOf(server), sessions: count }
}

function notSplit(pool: PoolName, words: string): RepaveError {
  return new RepaveError('ROUTER_FAILED', `HAProxy did not split ${pool}: ${words || 'no reason given'}`, {
    hint: 'the pool must be configured before it is split; else try again',
  })
}
