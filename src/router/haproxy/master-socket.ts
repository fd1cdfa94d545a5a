/**
 * HAProxy's master socket: one command a connection, answered in full before HAProxy closes it.
 *
 * No connection is shared, so nothing has to tell where one answer ends and the next begins.
 */
import { open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import { parseProcesses, type Processes } from './worker-report.ts'

export const masterSocketName = 'master.sock'

/** Bytes that fit into `sockaddr_un.sun_path` (unix(7)), less one for the final zero. */
const maxSocketPath = 107
const answerTimeoutMs = 10_000
const goneMeanwhile = new Set(['ECONNRESET', 'EPIPE'])
const nobodyListens = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', ...goneMeanwhile])

export class MasterSocket {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The master's processes; undefined when no master answers on the socket. */
  async processes(): Promise<Processes | undefined> {
    const answer = await this.#ask('show proc')
    return answer === undefined ? undefined : parseProcesses(answer)
  }

  /** Makes the master start a new worker with the configuration on disk; the answer differs between versions. */
  async reload(): Promise<void> {
    await this.#ask('reload')
  }

  /** The answer of the worker `pid`, which is never empty; ROUTER_UNREACHABLE when there is none. */
  async tell(pid: number, command: string): Promise<string> {
    const answer = await this.tellLeaving(pid, command)
    if (answer === '') throw noAnswer(this.#folder)
    return answer
  }

  /** The answer of a worker that was replaced and ends when its last request does; empty when it has ended. */
  async tellLeaving(pid: number, command: string): Promise<string> {
    return (await this.#ask(`@!${pid} ${command}`)) ?? ''
  }

  /** A connection that stays open as long as the master does; undefined when there is none. */
  async attend(): Promise<Socket | undefined> {
    const socket = await this.#connect()
    socket?.resume().write('prompt\n')
    return socket
  }

  async #ask(command: string): Promise<string | undefined> {
    if (/[\n;]/.test(command)) throw new TypeError(`not one command: ${JSON.stringify(command)}`)
    const socket = await this.#connect()
    if (socket === undefined) return undefined
    try {
      socket.setTimeout(answerTimeoutMs, () => socket.destroy(noAnswer(this.#folder)))
      socket.end(`${command}\n`)
      return await text(socket)
    } catch (error) {
      if (goneMeanwhile.has(errorCode(error) ?? '')) return undefined
      throw error
    } finally {
      socket.destroy()
    }
  }

  /** Through the folder's descriptor where the path is too long for a socket's address. */
  async #connect(): Promise<Socket | undefined> {
    const path = join(this.#folder, masterSocketName)
    if (Buffer.byteLength(path) <= maxSocketPath) return connected(path)
    const folder = await open(this.#folder).catch(() => undefined)
    if (folder === undefined) return undefined
    try {
      return await connected(`/proc/self/fd/${folder.fd}/${masterSocketName}`)
    } finally {
      await folder.close()
    }
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path })
    socket.once('connect', () => resolve(socket))
    // Also for what happens before the one who reads takes over: an error that nobody listens for ends the process.
    socket.on('error', (error) =>
      nobodyListens.has(errorCode(error) ?? '') ? resolve(undefined) : reject(unreachable(path, error)),
    )
  })
}

function unreachable(path: string, cause: Error): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', `HAProxy's socket ${path} can't be reached`, {
    hint: 'see whether the controller runs as the owner of that socket',
    cause,
  })
}

function noAnswer(folder: string): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', `the HAProxy of ${folder} does not answer`, {
    hint: 'it may be stopped or out of memory; `repave doctor` shows more',
  })
}
