/** Docker Swarm: a service that is updated start-first, all tasks at once, with HAProxy in front of its tasks. */
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../test/end-to-end/eventually.ts'
import { freePort } from '../../test/end-to-end/free-port.ts'
import { Balancer } from './balancer.ts'
import type { Entrance, Peer } from './peer.ts'
import { PeerEngine } from './peer-engine.ts'

export interface SwarmOptions {
  /** How often the engine's health check of a task runs; absent: it has none. */
  readonly checkIntervalMs?: number
}

interface Service {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly UpdateStatus?: { readonly State: string; readonly StartedAt: string; readonly Message: string }
}

const pollMs = 25
const deadlineMs = 180_000
const name = 'web'
const network = 'bench'
const nsPerMs = 1_000_000

export class SwarmPeer implements Peer {
  readonly name: string
  readonly #options: SwarmOptions
  #engine: PeerEngine | undefined
  #balancer: Balancer | undefined
  #instances = 0

  constructor(options: SwarmOptions) {
    const { checkIntervalMs } = options
    this.name = `swarm, ${checkIntervalMs === undefined ? 'no health check' : `health check every ${checkIntervalMs / 1_000} s`}`
    this.#options = options
  }

  async start(instances: number, release: string): Promise<Entrance> {
    this.#instances = instances
    const engine = (this.#engine = await PeerEngine.start())
    await engine.api.call('POST', '/swarm/init', {
      ListenAddr: `127.0.0.1:${await freePort()}`,
      AdvertiseAddr: '127.0.0.1',
      DefaultAddrPool: ['10.215.0.0/16'],
      SubnetSize: 24,
    })
    await engine.api.call('POST', '/networks/create', { Name: network, Driver: 'overlay', Attachable: true })
    await engine.api.call('POST', '/services/create', this.#spec(release))
    this.#balancer = await Balancer.start(engine, network, `tasks.${name}`)
    await this.#balancer.serving(instances)
    return this.#balancer.entrance
  }

  /** Old tasks are stopped after the update has ended. */
  async rest(): Promise<void> {
    await this.#balancer?.serving(this.#instances)
    await eventually('the swarm runs no old task', async () => (await this.#running()) === this.#instances)
  }

  async change(release: string): Promise<void> {
    const { Version } = await this.#service()
    await this.#api.call('POST', `/services/${name}/update?version=${Version.Index}`, this.#spec(release))
    await this.#updated('completed')
  }

  async rollBack(): Promise<void> {
    const { Version } = await this.#service()
    const path = `/services/${name}/update?version=${Version.Index}&rollback=previous`
    // The engine takes the former specification, and wants one all the same.
    await this.#api.call('POST', path, this.#spec('none'))
    await this.#updated('rollback_completed')
  }

  async stop(): Promise<void> {
    const [balancer, engine] = [this.#balancer, this.#engine]
    this.#balancer = this.#engine = undefined
    await balancer?.close()
    await engine?.close()
  }

  get #api() {
    if (!this.#engine) throw new Error(`${this.name} has not been started`)
    return this.#engine.api
  }

  #service(): Promise<Service> {
    return this.#api.call('GET', `/services/${name}`)
  }

  async #running(): Promise<number> {
    const containers = await this.#api.containers(`com.docker.swarm.service.name=${name}`)
    return containers.filter(({ State }) => State === 'running').length
  }

  async #updated(state: string): Promise<void> {
    const endsAt = Date.now() + deadlineMs
    for (;;) {
      const { UpdateStatus } = await this.#service()
      if (UpdateStatus?.State === state) return
      if (UpdateStatus?.State.endsWith('paused')) throw new Error(`the update is paused: ${UpdateStatus.Message}`)
      if (Date.now() > endsAt) throw new Error(`the update is not ${state} after ${deadlineMs} ms`)
      await delay(pollMs)
    }
  }

  #spec(release: string) {
    const { checkIntervalMs } = this.#options
    const atOnce = { Parallelism: 0, Order: 'start-first', Monitor: nsPerMs }
    return {
      Name: name,
      TaskTemplate: {
        ContainerSpec: {
          Image: this.#engine?.image,
          Env: [`GREETING=${release}`],
          ReadOnly: true,
          ...(checkIntervalMs !== undefined && { Healthcheck: healthCheck(checkIntervalMs) }),
        },
        Networks: [{ Target: network }],
      },
      Mode: { Replicated: { Replicas: this.#instances } },
      UpdateConfig: atOnce,
      RollbackConfig: atOnce,
      EndpointSpec: { Mode: 'dnsrr' },
    }
  }
}

function healthCheck(intervalMs: number) {
  return {
    Test: ['CMD', '/bin/busybox', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8080/healthz'],
    Interval: intervalMs * nsPerMs,
    Timeout: 10_000 * nsPerMs,
    Retries: 3,
  }
}
