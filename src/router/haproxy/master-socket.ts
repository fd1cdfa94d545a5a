/** HAProxy's master socket: it knows all processes, and passes commands on to any of them. */
import type { Socket } from 'node:net'
import { ask, noAnswer } from './runtime-socket.ts'
import { connectIn } from './socket-in.ts'
import { parseAnswers, parseProcesses, type Processes } from './worker-report.ts'

export const masterSocketName = 'master.sock'

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
    const answer = await this.tellLeaving(pid, ...commands)
    if (answer === '') throw noAnswer(this.#folder)
    return answer
  }

  /** The answer of a worker that was replaced and ends when its last request does; empty when it has ended. */
  async tellLeaving(pid: number, ...commands: readonly string[]): Promise<string> {
    return (await this.#ask(...commands.map(toWorker(`!${pid}`)))) ?? ''
  }

  /** A connection that stays open as long as the master does; undefined when there is none. */
  async attend(): Promise<Socket | undefined> {
    const socket = await connectIn(this.#folder, masterSocketName)
    socket?.resume().write('prompt\n')
    return socket
  }

  #ask(...commands: readonly string[]): Promise<string | undefined> {
    return ask(this.#folder, masterSocketName, commands)
  }
}

/** `1`: the current worker; `!PID`: any. */
function toWorker(worker: string): (command: string) => string {
  return (command) => `@${worker} ${command}`
}
