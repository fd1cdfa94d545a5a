/** What routes depend on beside themselves, looked at: their certificates, free ports, and this machine. */
import { asRepaveError, RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import type { RoutedService, RouterState } from '../router.ts'
import { connectionLimit, workerAccount } from './account.ts'
import { checkServices } from './checks.ts'
import { frontendName, listenersOf, routesFile, splitFile, tlsFile } from './config.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import type { PemSource } from './pem-source.ts'
import { checkPort } from './ports.ts'
import type { Certificate, Surroundings } from './routes-plan.ts'
import { listenerName, pairKey, parseMap, parseMapFile, routeEntries, servedPems, type MapEntries } from './routing.ts'
import type { Servers } from './servers.ts'

type Tls = NonNullable<Route['tls']>
type Freshness = Pick<RouterState, 'isOutdated' | 'problems'>

/** What HAProxy's maps hold: the routes, what their certificates were made of, and the splits. */
export interface Maps {
  readonly routes: MapEntries
  readonly tls: MapEntries
  readonly splits: MapEntries
}

/** Look-ups whose answers `parseMaps` takes. */
export const showMaps = [routesFile, tlsFile, splitFile].map((file) => `show map ${file}`)

export function parseMaps([routes = '', tls = '', splits = '']: readonly string[]): Maps {
  return { routes: parseMap(routes), tls: parseMap(tls), splits: parseMap(splits) }
}

export class Survey {
  readonly #haproxy: HaproxyProcess
  readonly #servers: Servers
  readonly #pems: PemSource

  constructor(haproxy: HaproxyProcess, servers: Servers, pems: PemSource) {
    this.#haproxy = haproxy
    this.#servers = servers
    this.#pems = pems
  }

  /** Of these routes; ROUTE_TAKEN when two of them want the same one. */
  async of(services: readonly RoutedService[], running: Running | undefined): Promise<Surroundings> {
    checkServices(services)
    routeEntries(services)
    const [account, maxConnections] = await Promise.all([workerAccount(), connectionLimit()])
    const { tls, splits } = running === undefined ? await this.#mapFiles() : await this.maps(running.current)
    const certificates = await this.#certificates(services, servedPems(tls), running)
    const ports = await this.#takenPorts(services, running)
    return { certificates, ports, splits, ...(account && { account }), maxConnections }
  }

  /** As the worker `pid` has them. */
  async maps(pid: number): Promise<Maps> {
    return parseMaps(await this.#haproxy.lookUp(pid, showMaps))
  }

  /** How the certificates that are served compare with their files as they are now. */
  async freshness(services: readonly RoutedService[], tls: MapEntries): Promise<Freshness> {
    const known = servedPems(tls)
    const served = new Set(known.values())
    const problems: RepaveError[] = []
    let isOutdated = false
    for (const [pair, { pools, files }] of pairsOf(services)) {
      // Whatever keeps a file from being looked at must not keep the router from being seen.
      const found = await this.#pems.find(files, served).catch(asRepaveError)
      if (found instanceof RepaveError) problems.push(servedOn(found, pools, known.has(pair)))
      else if (found.name !== known.get(pair)) isOutdated = true
    }
    return { isOutdated, problems }
  }

  async #certificates(
    services: readonly RoutedService[],
    known: ReadonlyMap<string, string>,
    running: Running | undefined,
  ): Promise<ReadonlyMap<string, Certificate>> {
    const served = new Set(running === undefined ? [] : known.values())
    const certificates = new Map<string, Certificate>()
    for (const [pair, { files }] of pairsOf(services))
      certificates.set(pair, await this.#certificate(files, known.get(pair), served))
    return certificates
  }

  /** What a HAProxy that ran here was left with. */
  async #mapFiles(): Promise<Pick<Maps, 'tls' | 'splits'>> {
    const [tls = '', splits = ''] = await Promise.all([tlsFile, splitFile].map((file) => this.#haproxy.mapFile(file)))
    return { tls: parseMapFile(tls), splits: parseMapFile(splits) }
  }

  /** Of the files as they are, or else, beside what is wrong with them, the copy that was made of them before. */
  async #certificate(tls: Tls, known: string | undefined, served: ReadonlySet<string>): Promise<Certificate> {
    const found = await this.#pems.find(tls, served)
    if (!(found instanceof RepaveError)) return { pem: found }
    const kept = known === undefined ? undefined : await this.#pems.kept(known, tls, served)
    return { error: found, ...(kept && { pem: kept }) }
  }

  /** Why listeners that HAProxy has not yet can't be had. */
  async #takenPorts(
    services: readonly RoutedService[],
    running: Running | undefined,
  ): Promise<ReadonlyMap<string, RepaveError>> {
    const held = running === undefined ? [] : await this.#servers.frontends(running)
    const taken = new Map<string, RepaveError>()
    for (const { listen } of listenersOf(services, () => undefined)) {
      if (held.includes(frontendName(listen))) continue
      const trouble = await checkPort(listen, this.#haproxy.configFile).then(() => undefined, asRepaveError)
      if (trouble) taken.set(listenerName(listen), trouble)
    }
    return taken
  }
}

interface Pair {
  readonly files: Tls
  readonly pools: readonly string[]
}

/** The pairs of files that the routes name, each with the services that use it. */
function pairsOf(services: readonly RoutedService[]): ReadonlyMap<string, Pair> {
  const pairs = new Map<string, Pair>()
  for (const { pool, routes } of services)
    for (const { tls: files } of routes) {
      if (files === undefined) continue
      const pools = new Set([...(pairs.get(pairKey(files))?.pools ?? []), pool])
      pairs.set(pairKey(files), { files, pools: [...pools] })
    }
  return pairs
}

function servedOn(error: RepaveError, pools: readonly string[], isKept: boolean): RepaveError {
  const names = pools.map((pool) => pool.replaceAll('.', '/')).join(', ')
  const outcome = isKept ? 'the certificate before it is served on' : 'another certificate is served in its place'
  return new RepaveError(error.code, `${names}: ${error.message}; ${outcome}`, { hint: error.hint, cause: error })
}
