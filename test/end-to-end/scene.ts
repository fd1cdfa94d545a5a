/**
 * A scene of an end-to-end test: a stack of its own with a state folder, a free port and the real `repave`.
 * However the test ends, everything that the scene brought into the world goes with it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { type Client, createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import { ownerOf } from '../../src/compose.ts'
import { keptRepository } from '../../src/engine/docker/kept-images.ts'
import type { ResultReport, StatusReport } from '../../src/model/report.ts'
import type { RecordedEntry } from '../../src/store/store.ts'
import type { LoadPlan } from '../load/generate.ts'
import { type RunningLoad, startLoad } from '../load/load-process.ts'
import { EngineApi } from './engine-api.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { type FoundProcess, kill, processesOf } from './processes.ts'
import { RouterView } from './router-view.ts'
import { testImage } from './test-image.ts'

const program = resolve(import.meta.dirname, '../../bin/repave')
const dyingController = resolve(import.meta.dirname, 'dying-controller.ts')
const commandTimeoutMs = 120_000

/** What a command did. */
export interface Ended {
  readonly exitCode: number
  /** The JSON lines of its output. */
  readonly lines: readonly unknown[]
  readonly output: string
}

/** Whichever keys of a service a test is about; the others are those of a small fast fleet. */
export type ServiceDraft = Readonly<Record<string, unknown>>

export class Scene {
  readonly engine: EngineApi
  readonly image: string
  readonly folder: string
  readonly home: string
  readonly stackFile: string
  readonly stack: string
  readonly port: number
  /** HAProxy, asked past Repave. */
  readonly router: RouterView
  readonly #client: Client
  readonly #dockerHost: string
  readonly #children = new Set<ChildProcess>()
  readonly #loads: RunningLoad[] = []

  /** On the engine at `socket`, which Repave reaches at `repaveSocket`. */
  static async open(socket?: string, repaveSocket?: string): Promise<Scene> {
    const engine = new EngineApi(socket)
    const image = await testImage(engine)
    const folder = await mkdtemp(join(tmpdir(), 'repave-e2e-'))
    return new Scene(engine, repaveSocket ?? engine.socket, image, folder, await freePort())
  }

  private constructor(engine: EngineApi, repaveSocket: string, image: string, folder: string, port: number) {
    this.engine = engine
    this.#dockerHost = `unix://${repaveSocket}`
    this.image = image
    this.folder = folder
    this.home = join(folder, 'home')
    this.stackFile = join(folder, 'repave.yaml')
    this.stack = `e2e-${port}`
    this.port = port
    this.router = new RouterView(this.home)
    this.#client = createClient(socketPath(this.home))
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`
  }

  /** The repository of images that a test makes for itself. */
  get ownImages(): string {
    return `repave-test/${this.stack}`
  }

  /** Writes a stack file with the service `web`. */
  async declare(draft: ServiceDraft = {}): Promise<void> {
    await this.write(stringify({ stack: this.stack, services: { web: this.service(draft) } }))
  }

  service(draft: ServiceDraft = {}): ServiceDraft {
    return {
      image: this.image,
      environment: { GREETING: 'first' },
      port: 8080,
      route: { listen: `127.0.0.1:${this.port}` },
      health: { http: '/healthz', interval: '200ms', healthyAfter: 1 },
      replicas: 3,
      rollout: { deadline: '30s' },
      drain: '5s',
      ...draft,
    }
  }

  async write(stackFile: string): Promise<void> {
    await writeFile(this.stackFile, stackFile)
  }

  /** Runs `repave COMMAND… --json` on the scene's stack file. */
  repave(...commandLine: readonly string[]): Promise<Ended> {
    return this.repaveWith({}, ...commandLine)
  }

  async repaveWith(environment: Readonly<Record<string, string>>, ...commandLine: readonly string[]): Promise<Ended> {
    const child = this.spawn(environment, commandLine)
    const [output, errors, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ])
    return { exitCode: exitCode ?? -1, lines: jsonLines(output), output: output + errors }
  }

  /** As `repave`, without waiting for its end. */
  start(...commandLine: readonly string[]): ChildProcess {
    return this.spawn({}, commandLine)
  }

  /** A controller that ends itself at a failpoint, which may be on its way to the first answer. */
  startDyingController(failpoint: string): Promise<ChildProcess> {
    return this.runController(dyingController, failpoint.split(' '))
  }

  /** A controller of a test's own, by the script that is one; resolves once it answers. */
  async startController(script: string): Promise<ChildProcess> {
    const child = await this.runController(script, [])
    if (hasEnded(child)) throw new Error(`${script} ended before it answered`)
    return child
  }

  private async runController(script: string, parameters: readonly string[]): Promise<ChildProcess> {
    const child = this.run(process.execPath, [script, ...parameters], {})
    child.stdout.resume()
    child.stderr.resume()
    // Not by a command, which would start another one.
    const isAnswering = () =>
      this.#client.info().then(
        ({ pid }) => pid === child.pid,
        () => false,
      )
    await eventually('the controller answers, or has ended', async () => hasEnded(child) || isAnswering())
    return child
  }

  private spawn(environment: Readonly<Record<string, string>>, commandLine: readonly string[]) {
    return this.run(program, [...commandLine, '-f', this.stackFile, '--json'], environment)
  }

  private run(command: string, parameters: readonly string[], environment: Readonly<Record<string, string>>) {
    const own = { REPAVE_HOME: this.home, DOCKER_HOST: this.#dockerHost }
    const child = spawn(command, parameters, {
      cwd: this.folder,
      env: { ...process.env, ...own, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Runs a command that has to succeed, and returns its verdict. */
  async succeed(...commandLine: readonly string[]): Promise<ResultReport> {
    const ended = await this.repave(...commandLine)
    if (ended.exitCode !== 0) {
      const told = [summary(ended.output), ...(await this.#taints())]
      throw new Error(`repave ${commandLine.join(' ')} ended with ${ended.exitCode}:\n${told.join('\n')}`)
    }
    return verdict(ended)
  }

  /** What no test of anything else expects. */
  async #taints(): Promise<readonly string[]> {
    const entries = await this.entries().catch(() => [])
    return entries.flatMap(({ kind, instance, message }) =>
      kind === 'instance.tainted' ? `${instance} was touched: ${message}` : [],
    )
  }

  /** Of the controller itself, where one answers: a command for each look of who waits would keep a core busy. */
  async status(): Promise<StatusReport> {
    const [known] = await this.#client.status({ stack: this.stack, environment: 'default' }).catch(() => [])
    if (known !== undefined) return known
    const { lines, output } = await this.repave('status')
    const report = lines.at(-1)
    if (report === undefined) throw new Error(`repave status printed no report: ${output}`)
    return report as StatusReport
  }

  /** Everything on the record of the controller, also what is about no environment. */
  entries(): Promise<readonly RecordedEntry[]> {
    return Array.fromAsync(this.#client.events({}, false, new AbortController().signal))
  }

  async load(plan: Partial<LoadPlan> = {}): Promise<RunningLoad> {
    const load = await startLoad({ url: this.url, ...plan })
    this.#loads.push(load)
    return load
  }

  /** The answers of `count` requests, one connection each. */
  async answers(count: number): Promise<readonly string[]> {
    const bodies: string[] = []
    for (let index = 0; index < count; index += 1) {
      const response = await fetch(this.url, { headers: { connection: 'close' } })
      bodies.push(`${response.status} ${(await response.text()).trim()}`)
    }
    return bodies
  }

  /** Containers of the service's instances; what else the engine holds for the stack is not among them. */
  async instances() {
    const containers = await this.engine.containers(`repave.stack=${this.stack}`)
    return containers.filter(({ Labels }) => Labels['repave.version'] !== undefined)
  }

  /** Containers that hold a network namespace for an instance. */
  async sandboxes() {
    const containers = await this.engine.containers(`repave.stack=${this.stack}`)
    return containers.filter(({ Labels }) => Labels['repave.role'] === 'sandbox')
  }

  async instanceIds(): Promise<readonly string[]> {
    return (await this.instances()).map(({ Id }) => Id).toSorted()
  }

  /** Everything that the engine holds for the stack, by name. */
  async leftovers(): Promise<readonly string[]> {
    const label = `repave.stack=${this.stack}`
    const containers = await this.engine.containers(label)
    const others = [...(await this.engine.networks(label)), ...(await this.engine.volumes(label))]
    return [...containers.flatMap(({ Names }) => Names), ...others.map(({ Name }) => Name)]
  }

  /** `kill -9` on the first process of one instance. */
  async killInstance(id: string): Promise<void> {
    const { State } = await this.engine.inspect(id)
    kill(State.Pid)
  }

  async killController(): Promise<number> {
    const { pid } = (await this.status()).controller
    kill(pid)
    return pid
  }

  /** Controllers that run, also those that answer not yet. */
  controllers(): readonly FoundProcess[] {
    return processesOf(this.home).filter(({ commandLine }) => commandLine.includes('serve'))
  }

  routerProcesses(): readonly FoundProcess[] {
    return processesOf(this.home).filter(({ name }) => name === 'haproxy')
  }

  async close(): Promise<void> {
    for (const load of this.#loads) load.kill()
    for (const child of this.#children) child.kill('SIGKILL')
    await eventually('every process of the scene has ended', () => {
      const alive = processesOf(this.home)
      for (const { pid } of alive) kill(pid)
      return alive.length === 0
    })
    await this.#clear()
    await this.engine.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  /**
   * Removes all that the engine has of the scene. What a controller had asked for when it was killed is made all the
   * same, and later than what is asked for after it on a busy machine: over when twice nothing was there but one more
   * of its kind.
   */
  async #clear(): Promise<void> {
    const labels = { 'repave.stack': this.stack }
    for (let quiet = 0; quiet < 2;) {
      await this.engine.call('POST', '/containers/create', { Image: this.image, Labels: labels })
      quiet = (await this.engine.removeAll(`repave.stack=${this.stack}`)) > 1 ? 0 : quiet + 1
    }
    for (const repository of [keptRepository(ownerOf(this.home)), `repave.local/${this.stack}/web`, this.ownImages])
      await this.engine.removeTags(repository)
  }
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** The last line of `up`, `rollback`, `replace` and `down`. */
export function verdict({ lines, output }: Ended): ResultReport {
  const last = lines.at(-1)
  if (typeof last !== 'object' || last === null || !('ok' in last)) throw new Error(`no verdict in: ${output}`)
  return last as ResultReport
}

/** The last lines, shortened, without the fleets that a long command reports all the time. */
function summary(output: string): string {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('{"kind":"fleet"'))
  return lines
    .slice(-40)
    .map((line) => line.slice(0, 400))
    .join('\n')
}

function jsonLines(output: string): readonly unknown[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
}
