/** docker-compose, with HAProxy in front of the service's containers. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { Balancer } from './balancer.ts'
import type { Entrance, Peer } from './peer.ts'
import { PeerEngine } from './peer-engine.ts'

/** `up`: what `docker-compose up -d` does. `byHand`: twice as many containers, and then the old ones are removed. */
export type ComposeManner = 'up' | 'byHand'

const run = promisify(execFile)
const service = 'web'
const network = 'bench'
const label = `com.docker.compose.service=${service}`

export class ComposePeer implements Peer {
  readonly name: string
  readonly #manner: ComposeManner
  #engine: PeerEngine | undefined
  #balancer: Balancer | undefined
  #instances = 0
  #releases: readonly string[] = []

  constructor(manner: ComposeManner) {
    this.name = manner === 'up' ? 'docker-compose up -d' : 'docker-compose, scaled to twice and back by hand'
    this.#manner = manner
  }

  async start(instances: number, release: string): Promise<Entrance> {
    this.#instances = instances
    const engine = (this.#engine = await PeerEngine.start())
    await engine.api.call('POST', '/networks/create', { Name: network })
    await this.#declare(release)
    await this.#up(instances)
    this.#balancer = await Balancer.start(engine, network, service)
    await this.#balancer.serving(instances)
    return this.#balancer.entrance
  }

  async rest(): Promise<void> {
    await this.#balancer?.serving(this.#instances)
  }

  async change(release: string): Promise<void> {
    await this.#declare(release)
    if (this.#manner === 'up') return this.#up(this.#instances)
    const old = await this.#api.containers(label)
    await this.#up(2 * this.#instances, '--no-recreate')
    await this.#balancer?.serving(2 * this.#instances)
    await Promise.all(old.map(({ Id }) => this.#remove(Id)))
  }

  /** It knows no way back but to write the former file again. */
  async rollBack(): Promise<void> {
    await this.change(this.#releases.at(-2) ?? '')
  }

  async stop(): Promise<void> {
    const [balancer, engine] = [this.#balancer, this.#engine]
    this.#balancer = this.#engine = undefined
    await balancer?.close()
    await engine?.close()
  }

  get #api() {
    return this.#required().api
  }

  #required(): PeerEngine {
    if (!this.#engine) throw new Error(`${this.name} has not been started`)
    return this.#engine
  }

  get #file(): string {
    return join(this.#required().folder, 'docker-compose.yml')
  }

  async #declare(release: string): Promise<void> {
    this.#releases = [...this.#releases, release]
    const web = { image: this.#required().image, environment: { GREETING: release }, read_only: true }
    const networks = { default: { external: true, name: network } }
    await writeFile(this.#file, stringify({ version: '3.5', services: { [service]: web }, networks }))
  }

  async #up(count: number, ...options: readonly string[]): Promise<void> {
    const parameters = ['-p', 'bench', '-f', this.#file, 'up', '-d', '--scale', `${service}=${count}`, ...options]
    await run('docker-compose', parameters, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DOCKER_HOST: `unix://${this.#api.socket}` },
    })
  }

  async #remove(id: string): Promise<void> {
    await this.#api.call('POST', `/containers/${id}/stop`)
    await this.#api.call('DELETE', `/containers/${id}`)
  }
}
