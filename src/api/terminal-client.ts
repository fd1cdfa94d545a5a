/** The client's side of a terminal. */
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AccessEvent, AccessInput, AccessLink, AccessRequest } from '../controller/commands.ts'
import { RepaveError } from '../errors.ts'
import { type Frame, frame, frames, readFrames, upgradeName } from './frames.ts'

export type { AccessInput } from '../controller/commands.ts'

/** Resolves with the last event. Rejects with CONTROLLER_UNREACHABLE where the controller goes away before that. */
export async function openAccess(socketPath: string, asked: AccessRequest, link: AccessLink): Promise<void> {
  const socket = await upgrade(socketPath)
  socket.on('error', () => socket.destroy())
  socket.write(frame('o', Buffer.from(JSON.stringify(asked))))
  void send(link.input, socket)
  try {
    for await (const each of readFrames(socket)) {
      const event = eventOf(each)
      link.tell(event)
      if (event.kind === 'closed' || event.kind === 'error') return
    }
  } catch (error) {
    throw wentAway(error)
  } finally {
    socket.destroy()
  }
  throw wentAway()
}

async function send(input: AsyncIterable<AccessInput>, socket: Duplex): Promise<void> {
  for await (const each of input) {
    if (socket.destroyed) return
    if (each.kind === 'resize') socket.write(frame('r', Buffer.from(JSON.stringify(each.size))))
    else for (const piece of frames('d', each.data)) socket.write(piece)
  }
  // They have left.
  socket.end()
}

function eventOf({ kind, content }: Frame): AccessEvent {
  if (kind === 'd') return { kind: 'data', data: content }
  const event: AccessEvent = JSON.parse(content.toString())
  return event
}

function upgrade(socketPath: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'controller', connection: 'Upgrade', upgrade: upgradeName }
    const outgoing = request({ socketPath, path: '/v1/access', headers, agent: false })
    outgoing.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    outgoing.once('response', (response) => {
      response.resume()
      reject(new RepaveError('USAGE', 'the controller opens no terminals', { hint: 'is it of the same version?' }))
    })
    outgoing.once('error', (error) => reject(wentAway(error)))
    outgoing.end()
  })
}

function wentAway(cause?: unknown): RepaveError {
  return new RepaveError('CONTROLLER_UNREACHABLE', 'the controller went away before the terminal was closed', {
    hint: 'the instance gets no requests any more, and the next controller destroys it: `repave status`',
    cause,
  })
}
