/** The one HAProxy of a state folder: started, adopted, reloaded and stopped. */
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import type { Clock } from '../../system/clock.ts'
import { errorCode } from '../../system/error-code.ts'
import { jailFolder, pemFolder, routesFile, splitFile, tlsFile } from './config.ts'
import { makeFolders, replaceFile, sweep } from './files.ts'
import { checkConfig, lastWords, logName, startMaster, trimLog } from './haproxy-binary.ts'
import { MasterSocket } from './master-socket.ts'
import { haproxiesOf } from './proc.ts'
import { noAnswer } from './runtime-socket.ts'
import { parseAnswers, parseInfo, type Processes } from './worker-report.ts'
import { WorkerSocket } from './worker-socket.ts'

export interface Running extends Processes {
  readonly current: number
}

/** Everything that HAProxy reads at its start and at a reload. */
export interface ConfigFiles {
  /** What `show info` has to say once a worker runs this configuration. */
  readonly description: string
  readonly config: string
  readonly routes: string
  readonly tls: string
  readonly splits: string
  /** By file name. */
  readonly pems: ReadonlyMap<string, string>
}

const reloadGraceMs = 500
const answerDeadlineMs = 20_000
const pollMs = 10
const softStopMs = 5_000
const stopMs = 3_000

export class HaproxyProcess {
  readonly master: MasterSocket
  readonly worker: WorkerSocket
  readonly configFile: string
  readonly #folder: string
  readonly #binary: string
  readonly #clock: Clock

  constructor(folder: string, binary: string, clock: Clock) {
    this.#folder = folder
    this.#binary = binary
    this.#clock = clock
    this.configFile = join(folder, 'haproxy.cfg')
    this.master = new MasterSocket(folder)
    this.worker = new WorkerSocket(folder)
  }

  /**
   * The running HAProxy; undefined when there is none that serves. A master in the middle of a reload does not
   * answer for a moment, and must not be taken for a dead one.
   */
  async running(): Promise<Running | undefined> {
    const deadline = this.#clock.steady() + reloadGraceMs
    for (;;) {
      const processes = await this.master.processes()
      if (processes?.current !== undefined) return { ...processes, current: processes.current }
      if (this.#clock.steady() >= deadline || !(await this.#hasProcesses())) return undefined
      await this.#clock.sleep(pollMs)
    }
  }

  /** As `running`, with what its current worker answers to each of `lookups`: all in one round trip. */
  async survey(
    lookups: readonly string[],
  ): Promise<{ readonly running: Running; readonly answers: readonly string[] } | undefined> {
    const { processes, answers = [] } = (await this.master.survey(lookups)) ?? {}
    if (processes?.current !== undefined && answers.length === lookups.length)
      return { running: { ...processes, current: processes.current }, answers }
    const running = await this.running()
    return running && { running, answers: await this.lookUp(running.current, lookups) }
  }

  /** What the worker `pid` says to `commands`, which is never nothing; ROUTER_UNREACHABLE when there is none. */
  async tell(pid: number, ...commands: readonly string[]): Promise<string> {
    const said = await this.worker.tell(commands)
    return said?.pid === pid && said.answer !== '' ? said.answer : this.master.tell(pid, ...commands)
  }

  /** Its answer to each; only for look-ups, since what HAProxy says to a change does not always end as it should. */
  async lookUp(pid: number, lookups: readonly string[]): Promise<readonly string[]> {
    const answers = parseAnswers(await this.tell(pid, ...lookups))
    if (answers.length < lookups.length) throw noAnswer(this.#folder)
    return answers
  }

  /** The current worker, and its answer to each of `lookups`. */
  async look(
    lookups: readonly string[],
  ): Promise<{ readonly current: number; readonly answers: readonly string[] } | undefined> {
    const said = await this.worker.tell(lookups)
    const answers = parseAnswers(said?.answer ?? '')
    if (said && answers.length === lookups.length) return { current: said.pid, answers }
    const seen = await this.survey(lookups)
    return seen && { current: seen.running.current, answers: seen.answers }
  }

  /** What the file of a map says: the routes of a HAProxy that may not run any more. */
  async mapFile(name: string): Promise<string> {
    return readFile(join(this.#folder, name), 'utf8').catch(() => '')
  }

  async writeMaps({ routes, tls, splits }: Pick<ConfigFiles, 'routes' | 'tls' | 'splits'>): Promise<void> {
    await replaceFile(join(this.#folder, routesFile), routes)
    await replaceFile(join(this.#folder, tlsFile), tls)
    await this.writeSplits(splits)
  }

  /** In no time, since a rollback waits for it: whoever runs HAProxy after a crash of the machine splits anew. */
  async writeSplits(splits: string): Promise<void> {
    await replaceFile(join(this.#folder, splitFile), splits, { flush: false })
  }

  async trimLog(): Promise<void> {
    await trimLog(this.#folder)
  }

  async info(pid: number): Promise<ReadonlyMap<string, string>> {
    return parseInfo(await this.master.tell(pid, 'show info'))
  }

  /** Starts HAProxy anew; whatever may be left of an earlier one is ended first. */
  async start(files: ConfigFiles): Promise<void> {
    await this.#endAll()
    await this.#write(files)
    const { exited } = startMaster(this.#binary, this.#folder, this.configFile)
    const failed = exited.then((cause) => this.#failed('HAProxy did not start', cause))
    failed.catch(() => undefined)
    await Promise.race([this.#answering(files.description), failed])
    await this.#sweepPems(files)
  }

  /**
   * Replaces the worker by one with the new files; the old one finishes its requests. Resolves once the new one
   * answers and the old one knows that it is replaced: until then, commands may still reach the old one.
   */
  async reload(files: ConfigFiles): Promise<Running> {
    await this.#write(files)
    await this.master.reload()
    const running = await this.#answering(files.description)
    await this.#sweepPems(files)
    return running
  }

  /** Takes no more connections, lets `busy` requests finish for some seconds, and ends every process. */
  async stop(busy: () => Promise<boolean>): Promise<void> {
    await this.#signal('SIGUSR1')
    const deadline = this.#clock.steady() + softStopMs
    while (this.#clock.steady() < deadline && (await busy().catch(ifUnreachable))) await this.#clock.sleep(pollMs)
    await this.#endAll()
    await sweep(join(this.#folder, jailFolder))
    await sweep(join(this.#folder, pemFolder))
    await sweep(this.#folder, [jailFolder, pemFolder, logName])
  }

  async #write(files: ConfigFiles): Promise<void> {
    await makeFolders(this.#folder, { [jailFolder]: 0o755, [pemFolder]: 0o700 })
    for (const [name, text] of files.pems) await replaceFile(join(this.#folder, pemFolder, name), text)
    await this.writeMaps(files)
    const candidate = `${this.configFile}.new`
    await replaceFile(candidate, files.config)
    await checkConfig(this.#binary, this.#folder, candidate)
    await rename(candidate, this.configFile)
  }

  async #answering(description: string): Promise<Running> {
    const deadline = this.#clock.steady() + answerDeadlineMs
    while (this.#clock.steady() < deadline) {
      const running = await this.#runningWith(description).catch(ifUnreachable)
      if (running !== undefined) return running
      await this.#clock.sleep(pollMs)
    }
    throw await this.#failed('HAProxy did not take its new configuration in time')
  }

  /** The running HAProxy if its worker has this configuration, and all others know that they are replaced. */
  async #runningWith(description: string): Promise<Running | undefined> {
    const running = await this.running()
    if (running === undefined || (await this.info(running.current)).get('description') !== description) return undefined
    const stopping = await Promise.all(running.old.map(async (pid) => (await this.info(pid)).get('stopping')))
    return stopping.every((value) => value !== '0') ? running : undefined
  }

  async #endAll(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await this.#signal(signal)
      if (await this.#gone(stopMs)) return
    }
    throw await this.#failed('an earlier HAProxy can not be ended')
  }

  async #gone(waitMs: number): Promise<boolean> {
    const deadline = this.#clock.steady() + waitMs
    while (await this.#hasProcesses()) {
      if (this.#clock.steady() >= deadline) return false
      await this.#clock.sleep(pollMs)
    }
    return true
  }

  async #hasProcesses(): Promise<boolean> {
    return (await haproxiesOf(this.configFile)).length > 0
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await haproxiesOf(this.configFile)) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        if (errorCode(error) !== 'ESRCH') throw error
      }
    }
  }

  async #sweepPems(files: ConfigFiles): Promise<void> {
    await sweep(join(this.#folder, pemFolder), [...files.pems.keys()])
  }

  async #failed(message: string, cause?: Error): Promise<never> {
    throw new RepaveError('ROUTER_FAILED', `${message}: ${await lastWords(this.#folder)}`, {
      hint: `see haproxy.log and haproxy.cfg in ${this.#folder}`,
      ...(cause && { cause }),
    })
  }
}

function ifUnreachable(error: unknown): undefined {
  if (error instanceof RepaveError && error.code === 'ROUTER_UNREACHABLE') return undefined
  throw error
}
