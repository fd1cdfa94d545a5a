/**
 * HAProxy's runtime sockets: some commands a connection, all answered in full before HAProxy closes it.
 *
 * No connection is shared, so nothing has to tell where the answers to one caller end and the next one's begin.
 */
import { text } from 'node:stream/consumers'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import { connectIn } from './socket-in.ts'

const answerTimeoutMs = 10_000
const goneMeanwhile = new Set(['ECONNRESET', 'EPIPE'])

/** What the socket `name` in `folder` answers, all in one; undefined when nobody listens there. */
export async function ask(folder: string, name: string, commands: readonly string[]): Promise<string | undefined> {
  const bad = commands.find((command) => /[\n;]/.test(command))
  if (bad !== undefined) throw new TypeError(`not one command: ${JSON.stringify(bad)}`)
  const socket = await connectIn(folder, name)
  if (socket === undefined) return undefined
  try {
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(noAnswer(folder)))
    socket.end(`${commands.join(';')}\n`)
    return await text(socket)
  } catch (error) {
    if (goneMeanwhile.has(errorCode(error) ?? '')) return undefined
    throw error
  } finally {
    socket.destroy()
  }
}

export function noAnswer(folder: string): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', `the HAProxy of ${folder} does not answer`, {
    hint: 'it may be stopped or out of memory; `repave doctor` shows more',
  })
}
