/** The controller's side of a terminal: a connection that is upgraded to frames. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ZodType } from 'zod'
import type { AccessEvent, AccessInput, AccessRequest, Commands } from '../controller/commands.ts'
import { RepaveError } from '../errors.ts'
import { type Frame, frame, frames, readFrames, upgradeName } from './frames.ts'
import { invalidRequest, reportOf } from './problem.ts'
import { accessSchema, terminalSizeSchema } from './schemas.ts'

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Whoever reads no more than this of what is printed is cut off. */
const mostBacklogBytes = 8 * 1024 * 1024

export function terminalServer(commands: Pick<Commands, 'access'>): UpgradeListener {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (request.url !== '/v1/access' || request.headers.upgrade !== upgradeName) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    if (head.length > 0) socket.unshift(head)
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${upgradeName}\r\n\r\n`)
    void serve(commands, socket)
  }
}

async function serve(commands: Pick<Commands, 'access'>, socket: Duplex): Promise<void> {
  const tell = (event: AccessEvent) => {
    if (socket.destroyed) return
    for (const each of eventFrames(event)) socket.write(each)
    if (socket.writableLength > mostBacklogBytes) socket.destroy()
  }
  try {
    const incoming = readFrames(socket)[Symbol.asyncIterator]()
    const first = await incoming.next()
    if (first.done) return
    await commands.access(requestOf(first.value), { tell, input: inputs(incoming) })
  } catch (error) {
    tell({ kind: 'error', error: reportOf(error) })
  } finally {
    socket.end()
    // Whoever does not take its end either is not waited for.
    setTimeout(() => socket.destroy(), 1_000).unref()
  }
}

function eventFrames(event: AccessEvent): readonly Buffer[] {
  if (event.kind === 'data') return frames('d', event.data)
  return [frame('e', Buffer.from(JSON.stringify(event)))]
}

function requestOf({ kind, content }: Frame): AccessRequest {
  if (kind === 'o') return parsed(accessSchema, content)
  throw new RepaveError('USAGE', 'a terminal begins with what is asked for', { hint: 'send a frame of kind o first' })
}

async function* inputs(incoming: AsyncIterator<Frame>): AsyncIterable<AccessInput> {
  for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
    const { kind, content } = next.value
    if (kind === 'd') yield { kind: 'data', data: content }
    else if (kind === 'r') yield { kind: 'resize', size: parsed(terminalSizeSchema, content) }
    else throw new Error(`a client sends no frame of kind ${kind} here`)
  }
}

function parsed<T>(schema: ZodType<T>, content: Buffer): T {
  const result = schema.safeParse(json(content))
  if (result.success) return result.data
  throw invalidRequest(result.error)
}

function json(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString())
  } catch (error) {
    throw new RepaveError('USAGE', 'the request is not JSON', { hint: 'send a JSON body', cause: error })
  }
}
