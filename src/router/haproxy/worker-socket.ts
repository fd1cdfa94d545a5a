/**
 * The socket of the worker that takes new connections. Commands through the master cost a connection from it to the
 * worker each, one after another; here, six take as long as one does there.
 */
import type { Socket } from 'node:net'
import { ask } from './runtime-socket.ts'
import { connectIn } from './socket-in.ts'
import { parseInfo } from './worker-report.ts'

export const workerSocketName = 'worker.sock'

/** What a worker says, and which one it is. */
interface Said {
  readonly pid: number
  readonly answer: string
}

export class WorkerSocket {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** While the worker is being replaced, it may be the one before. */
  async connect(): Promise<Socket | undefined> {
    return connectIn(this.#folder, workerSocketName)
  }

  /** Undefined when none answers, or only one that is being replaced, or one whose socket may not change anything. */
  async tell(commands: readonly string[]): Promise<Said | undefined> {
    const answer = (await ask(this.#folder, workerSocketName, ['show info', ...commands])) ?? ''
    const infoEnds = answer.indexOf('\n\n')
    const info = parseInfo(answer.slice(0, infoEnds))
    const said = answer.slice(infoEnds + 2)
    if (infoEnds < 0 || info.get('stopping') !== '0' || said.includes(notPermitted)) return undefined
    return { pid: Number(info.get('pid')), answer: said }
  }
}

/** The sockets of HAProxies that an earlier build started are for looking only. */
const notPermitted = 'Permission denied'
