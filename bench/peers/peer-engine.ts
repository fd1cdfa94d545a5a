/** The engine that a peer has to itself: in a network namespace of its own, with all of its networks in there. */
import { spawn } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineApi } from '../../test/end-to-end/engine-api.ts'
import { OwnEngine } from '../../test/end-to-end/own-engine.ts'
import { testImage } from '../../test/end-to-end/test-image.ts'

/** Static; the test image has no shell, and a health check of an engine runs a program of the image. */
const busybox = '/bin/busybox'

export class PeerEngine {
  readonly api: EngineApi
  /** The test image, with busybox. */
  readonly image = 'bench-hello'
  readonly #own: OwnEngine

  static async start(): Promise<PeerEngine> {
    // An engine with live-restore can't be in a swarm.
    const engine = new PeerEngine(await OwnEngine.start({ liveRestore: false, isolated: true }))
    try {
      await engine.#buildImage()
    } catch (error) {
      await engine.close()
      throw error
    }
    return engine
  }

  private constructor(own: OwnEngine) {
    this.#own = own
    this.api = new EngineApi(own.socket)
  }

  /** For whatever belongs to it; what runs with a path below it ends with the engine. */
  get folder(): string {
    return this.#own.folder
  }

  async close(): Promise<void> {
    // A swarm would make anew what is removed.
    await this.api.call('POST', '/swarm/leave?force=true').catch(() => {})
    for (const { Id } of await this.api.containers().catch(() => []))
      await this.api.call('DELETE', `/containers/${Id}?force=true`).catch(() => {})
    await this.api.close()
    await this.#own.close()
  }

  async #buildImage(): Promise<void> {
    const context = join(this.folder, 'image')
    await mkdir(context)
    await copyFile(busybox, join(context, 'busybox'))
    await writeFile(join(context, 'Dockerfile'), `FROM ${await testImage(this.api)}\nCOPY busybox ${busybox}\n`)
    const { stdout } = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await this.api.build(this.image, stdout)
  }
}
