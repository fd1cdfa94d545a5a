/**
 * A Docker engine of a test's own, beside the machine's: for what must not be done to an engine that others use.
 *
 * In the machine's network namespace it leaves the packet filter alone: at its start, dockerd empties the chains of
 * every other one.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { eventually } from './eventually.ts'
import { kill, processesOf } from './processes.ts'
import { programPath } from '../../src/system/program-path.ts'

export interface OwnEngineOptions {
  /** Whether containers outlive the engine. */
  readonly liveRestore: boolean
  /** The network that its containers get addresses from; it must not overlap with another engine's. */
  readonly addressPool?: string
  /** Whether it has a network namespace of its own, without a way out, and all of its networks in there. */
  readonly isolated?: boolean
}

export class OwnEngine {
  readonly folder: string
  readonly #options: OwnEngineOptions
  /** Its default network: without one of its own, dockerd would take away that of the machine's engine. */
  readonly #bridge = `repave-${process.pid}`
  #daemon: ChildProcess | undefined

  private constructor(folder: string, options: OwnEngineOptions) {
    this.folder = folder
    this.#options = options
  }

  static async start(options: OwnEngineOptions): Promise<OwnEngine> {
    const engine = new OwnEngine(await mkdtemp(join(tmpdir(), 'repave-engine-')), options)
    try {
      await engine.start()
    } catch (error) {
      await engine.close()
      throw error
    }
    return engine
  }

  get socket(): string {
    return join(this.folder, 'docker.sock')
  }

  get logFile(): string {
    return join(this.folder, 'dockerd.log')
  }

  /** Running already: nothing. */
  async start(): Promise<void> {
    if (this.isRunning) return
    if (!this.isIsolated) this.makeBridge()
    const log = openSync(this.logFile, 'a')
    const [program = '', ...parameters] = this.commandLine()
    const daemon = spawn(program, parameters, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, PATH: programPath() },
    })
    closeSync(log)
    this.#daemon = daemon
    await eventually('the engine answers', async () => {
      if (daemon.exitCode !== null) throw new Error(`dockerd ended: ${readFileSync(this.logFile, 'utf8').slice(-2000)}`)
      return this.answers()
    })
  }

  /**
   * `kill -9`, which leaves containers as they are, or `kill`, which ends them unless they outlive the engine. Hazard:
   * containerd dies with its parent, and until the machine's init has reaped it, the next dockerd takes its number for
   * a running containerd and waits for it in vain.
   */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon
    if (!daemon || !this.isRunning) return
    const containerd = readFileSync(join(this.folder, 'exec/containerd/containerd.pid'), 'utf8').trim()
    const exited = once(daemon, 'exit')
    daemon.kill(signal)
    await exited
    await eventually('containerd has been reaped', () => !existsSync(`/proc/${containerd}`))
  }

  /** Ends the engine, its containers and their mounts, and removes its folder. Networks must have gone before. */
  async close(): Promise<void> {
    await this.kill()
    await eventually('every process of the engine has ended', () => {
      const alive = processesOf(this.folder)
      for (const { pid } of alive) kill(pid)
      return alive.length === 0
    })
    for (const path of mountsBelow(this.folder)) execFileSync('umount', ['--lazy', path])
    if (existsSync(`/sys/class/net/${this.#bridge}`)) ip('link', 'delete', this.#bridge)
    await rm(this.folder, { recursive: true, force: true })
  }

  private makeBridge(): void {
    if (existsSync(`/sys/class/net/${this.#bridge}`)) return
    ip('link', 'add', 'name', this.#bridge, 'type', 'bridge')
    ip('address', 'add', `10.212.${process.pid % 250}.1/24`, 'dev', this.#bridge)
    ip('link', 'set', this.#bridge, 'up')
  }

  private get isIsolated(): boolean {
    return this.#options.isolated ?? false
  }

  private get isRunning(): boolean {
    return this.#daemon !== undefined && this.#daemon.exitCode === null && this.#daemon.signalCode === null
  }

  /** Each program becomes the next one, so that the process is dockerd in the end. */
  private commandLine(): readonly string[] {
    if (!this.isIsolated) return ['dockerd', ...this.flags(), ...this.guestFlags()]
    return ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec dockerd "$@"', 'sh', ...this.flags()]
  }

  private flags(): readonly string[] {
    const { liveRestore, addressPool = '10.213.0.0/16' } = this.#options
    return [
      `--host=unix://${this.socket}`,
      `--data-root=${join(this.folder, 'data')}`,
      `--exec-root=${join(this.folder, 'exec')}`,
      `--pidfile=${join(this.folder, 'dockerd.pid')}`,
      `--default-address-pool=base=${addressPool},size=24`,
      ...(liveRestore ? ['--live-restore'] : []),
    ]
  }

  private guestFlags(): readonly string[] {
    return [`--bridge=${this.#bridge}`, '--iptables=false', '--ip-masq=false']
  }

  private async answers(): Promise<boolean> {
    const dispatcher = new Agent({ connect: { socketPath: this.socket } })
    try {
      const { statusCode, body } = await request('http://engine/_ping', { dispatcher })
      await body.dump()
      return statusCode === 200
    } catch {
      return false
    } finally {
      await dispatcher.destroy()
    }
  }
}

function ip(...parameters: readonly string[]): void {
  execFileSync('ip', parameters, { env: { ...process.env, PATH: programPath() } })
}

/** Deepest first. proc(5), mounts: the second field is the path, with `\040` for a space. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed()
}
