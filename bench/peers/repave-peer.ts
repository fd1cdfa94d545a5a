/** Repave itself, on the machine's engine: the real command, controller and HAProxy. */
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import { defaultEnvironment } from '../../src/config/defaults.ts'
import { loadStack } from '../../src/config/load.ts'
import { lockFileOf, readLock } from '../../src/image/lock-file.ts'
import type { ProgressReport, ServiceStatus } from '../../src/model/report.ts'
import { Scene, type ServiceDraft } from '../../test/end-to-end/scene.ts'
import { reserved } from '../reserved.ts'
import type { Entrance, Peer } from './peer.ts'

export interface RepaveOptions {
  readonly name: string
  /** As in the stack file. */
  readonly rollout: ServiceDraft
  /**
   * How it is asked: by the controller's API, as Swarm is by the engine's, or by the command, whose start counts then, and
   * which ends when nothing is left of what was replaced.
   */
  readonly by: 'request' | 'command'
}

export class RepavePeer implements Peer {
  readonly name: string
  readonly #options: RepaveOptions
  #scene: Scene | undefined
  /** What goes on when a change is done: the old instances end. */
  #cleaning: Promise<unknown> = Promise.resolve()
  #instances = 0

  constructor(options: RepaveOptions) {
    this.name = `repave, ${options.name}`
    this.#options = options
  }

  async start(instances: number, release: string): Promise<Entrance> {
    this.#instances = instances
    this.#scene = await Scene.open()
    await this.#declare(release)
    await this.#scene.succeed('up')
    return { url: this.#scene.url }
  }

  async rest(): Promise<void> {
    await this.#cleaning
    await reserved(this.#required())
  }

  async change(release: string): Promise<void> {
    const scene = this.#required()
    await this.#declare(release)
    if (this.#options.by === 'command') return void (await scene.succeed('up'))
    const { stack } = await loadStack({ folder: scene.folder, file: scene.stackFile, environment: undefined })
    const lock = await readLock(lockFileOf(scene.stackFile))
    await this.#replaced(this.#client.up({ by: 'bench', stack, lock, refresh: false }))
  }

  async rollBack(): Promise<void> {
    const scene = this.#required()
    if (this.#options.by === 'command') return void (await scene.succeed('rollback'))
    const scope = { stack: scene.stack, environment: defaultEnvironment }
    for await (const report of this.#client.rollback({ by: 'bench', ...scope })) throwIfBad(report)
  }

  async stop(): Promise<void> {
    const scene = this.#scene
    this.#scene = undefined
    await scene?.close()
  }

  async #declare(release: string): Promise<void> {
    await this.#required().declare({
      replicas: this.#instances,
      environment: { GREETING: release },
      health: { http: '/healthz', interval: '1s', healthyAfter: 1 },
      rollout: { deadline: '2m', ...this.#options.rollout },
    })
  }

  /** Resolves once the rollout has gone well, as an update of a Swarm has before its old tasks end. */
  #replaced(reports: AsyncIterable<ProgressReport>): Promise<void> {
    return new Promise((resolve, reject) => {
      const follow = async () => {
        for await (const report of reports) {
          throwIfBad(report)
          if (report.kind === 'fleet' && report.services.every(isWhole)) resolve()
        }
      }
      this.#cleaning = follow().then(resolve, reject)
    })
  }

  get #client() {
    return createClient(socketPath(this.#required().home))
  }

  #required(): Scene {
    if (!this.#scene) throw new Error(`${this.name} has not been started`)
    return this.#scene
  }
}

/** `up` tells of the fleet from its decision on: until that has come about, there is a rollout. */
function isWhole({ ready, desired, rollout }: ServiceStatus): boolean {
  return ready === desired && rollout?.state !== 'running'
}

function throwIfBad(report: ProgressReport): void {
  if (report.kind === 'error' || (report.kind === 'result' && !report.result.ok))
    throw new Error(JSON.stringify(report))
}
