/** Repave itself, on the machine's engine: the real command, controller and HAProxy. */
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import { defaultEnvironment } from '../../src/config/defaults.ts'
import { Scene, type ServiceDraft } from '../../test/end-to-end/scene.ts'
import { reserved } from '../reserved.ts'
import type { Entrance, Peer } from './peer.ts'

export interface RepaveOptions {
  readonly name: string
  /** As in the stack file. */
  readonly rollout: ServiceDraft
  /**
   * How the way back is asked for: of the controller's API, as those of the engine's API are, or by the command, whose
   * start counts then.
   */
  readonly back: 'request' | 'command'
}

export class RepavePeer implements Peer {
  readonly name: string
  readonly #options: RepaveOptions
  #scene: Scene | undefined
  #instances = 0

  constructor(options: RepaveOptions) {
    this.name = `repave, ${options.name}`
    this.#options = options
  }

  async start(instances: number, release: string): Promise<Entrance> {
    this.#instances = instances
    this.#scene = await Scene.open()
    await this.change(release)
    return { url: this.#scene.url }
  }

  async rest(): Promise<void> {
    await reserved(this.#required())
  }

  async change(release: string): Promise<void> {
    const scene = this.#required()
    await scene.declare({
      replicas: this.#instances,
      environment: { GREETING: release },
      health: { http: '/healthz', interval: '1s', healthyAfter: 1 },
      rollout: { deadline: '2m', ...this.#options.rollout },
    })
    await scene.succeed('up')
  }

  async rollBack(): Promise<void> {
    const scene = this.#required()
    if (this.#options.back === 'command') return void (await scene.succeed('rollback'))
    const request = { by: 'bench', stack: scene.stack, environment: defaultEnvironment }
    for await (const report of createClient(socketPath(scene.home)).rollback(request))
      if (report.kind === 'error' || (report.kind === 'result' && !report.result.ok))
        throw new Error(`rollback: ${JSON.stringify(report)}`)
  }

  async stop(): Promise<void> {
    const scene = this.#scene
    this.#scene = undefined
    await scene?.close()
  }

  #required(): Scene {
    if (!this.#scene) throw new Error(`${this.name} has not been started`)
    return this.#scene
  }
}
