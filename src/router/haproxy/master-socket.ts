/**
 * HAProxy's master socket: some commands a connection, all answered in full before HAProxy closes it.
 *
 * No connection is shared, so nothing has to tell where the answers to one caller end and the next one's begin.
 */
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import { connectIn } from './socket-in.ts'
import { parseAnswers, parseProcesses, type Processes } from './worker-report.ts'

export const masterSocketName = 'master.sock'

const answerTimeoutMs = 10_000
const goneMeanwhile = new Set(['ECONNRESET', 'EPIPE'])

export class MasterSocket {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The master's processes; undefined when no master answers on the socket. */
  async processes(): Promise<Processes | undefined> {
    return (await this.survey([]))?.processes
  }

  /** Makes the master start a new worker with the configuration on disk; the answer differs between versions. */
  async reload(): Promise<void> {
    await this.#ask('reload')
  }

  /**
   * The master's processes, and what the current worker answers to look-ups, in one round trip. Undefined when no
   * master answers; fewer answers when the worker did not say all.
   */
  async survey(
    lookups: readonly string[],
  ): Promise<{ readonly processes: Processes; readonly answers: readonly string[] } | undefined> {
    const [report, ...answers] = parseAnswers((await this.#ask('show proc', ...lookups.map(toWorker('1')))) ?? '')
    const processes = parseProcesses(report ?? '')
    return processes && { processes, answers }
  }

  /** What the worker `pid` says to `commands`, which is never nothing; ROUTER_UNREACHABLE when there is none. */
  async tell(pid: number, ...commands: readonly string[]): Promise<string> {
    const answer = (await this.#ask(...commands.map(toWorker(`!${pid}`)))) ?? ''
    if (answer === '') throw noAnswer(this.#folder)
    return answer
  }

  /** Its answer to each; only for look-ups, since what HAProxy says to a change does not always end as it should. */
  async lookUp(pid: number, lookups: readonly string[]): Promise<readonly string[]> {
    const answers = parseAnswers(await this.tell(pid, ...lookups))
    if (answers.length < lookups.length) throw noAnswer(this.#folder)
    return answers
  }

  /** The answer of a worker that was replaced and ends when its last request does; empty when it has ended. */
  async tellLeaving(pid: number, ...commands: readonly string[]): Promise<string> {
    return (await this.#ask(...commands.map(toWorker(`!${pid}`)))) ?? ''
  }

  /** A connection that stays open as long as the master does; undefined when there is none. */
  async attend(): Promise<Socket | undefined> {
    const socket = await this.#connect()
    socket?.resume().write('prompt\n')
    return socket
  }

  async #ask(...commands: readonly string[]): Promise<string | undefined> {
    const bad = commands.find((command) => /[\n;]/.test(command))
    if (bad !== undefined) throw new TypeError(`not one command: ${JSON.stringify(bad)}`)
    const socket = await this.#connect()
    if (socket === undefined) return undefined
    try {
      socket.setTimeout(answerTimeoutMs, () => socket.destroy(noAnswer(this.#folder)))
      socket.end(`${commands.join(';')}\n`)
      return await text(socket)
    } catch (error) {
      if (goneMeanwhile.has(errorCode(error) ?? '')) return undefined
      throw error
    } finally {
      socket.destroy()
    }
  }

  async #connect(): Promise<Socket | undefined> {
    return connectIn(this.#folder, masterSocketName)
  }
}

/** `1`: the current worker; `!PID`: any. */
function toWorker(worker: string): (command: string) => string {
  return (command) => `@${worker} ${command}`
}

function noAnswer(folder: string): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', `the HAProxy of ${folder} does not answer`, {
    hint: 'it may be stopped or out of memory; `repave doctor` shows more',
  })
}
