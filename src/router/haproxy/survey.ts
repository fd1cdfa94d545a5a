/** What routes depend on beside themselves, looked at: their certificates, free ports, and this machine. */
import { asRepaveError, RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'
import type { RoutedService } from '../router.ts'
import { connectionLimit, workerAccount } from './account.ts'
import { checkServices } from './checks.ts'
import { frontendName, listenersOf, routesFile, tlsFile } from './config.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import type { PemSource } from './pem-source.ts'
import { checkPort } from './ports.ts'
import type { Certificate, Surroundings } from './routes-plan.ts'
import { listenerName, pairKey, parseMap, parseMapFile, routeEntries, servedPems, type MapEntries } from './routing.ts'
import type { Servers } from './servers.ts'

type Tls = NonNullable<Route['tls']>

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
    const certificates = await this.#certificates(services, running)
    const ports = await this.#takenPorts(services, running)
    return { certificates, ports, ...(account && { account }), maxConnections }
  }

  /** The routes, and what their certificates were made of, as the worker `pid` has them. */
  async maps(pid: number): Promise<readonly [MapEntries, MapEntries]> {
    const [routes, tls] = await Promise.all(
      [routesFile, tlsFile].map((file) => this.#haproxy.master.tell(pid, `show map ${file}`)),
    )
    return [parseMap(routes ?? ''), parseMap(tls ?? '')]
  }

  async #certificates(
    services: readonly RoutedService[],
    running: Running | undefined,
  ): Promise<ReadonlyMap<string, Certificate>> {
    const known = servedPems(running === undefined ? await this.#tlsFile() : (await this.maps(running.current))[1])
    const served = new Set(running === undefined ? [] : known.values())
    const certificates = new Map<string, Certificate>()
    for (const { tls } of services.flatMap((service) => service.routes))
      if (tls !== undefined && !certificates.has(pairKey(tls)))
        certificates.set(pairKey(tls), await this.#certificate(tls, known.get(pairKey(tls)), served))
    return certificates
  }

  async #tlsFile(): Promise<MapEntries> {
    return parseMapFile(await this.#haproxy.mapFile(tlsFile))
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
