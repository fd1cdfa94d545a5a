/** Connections to the unix sockets in HAProxy's folder. */
import { open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'

/** Bytes that fit into `sockaddr_un.sun_path` (unix(7)), less one for the final zero. */
const maxSocketPath = 107
const nobodyListens = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ECONNRESET', 'EPIPE'])

/**
 * To the socket `name` in `folder`; undefined when nobody listens there. Through the folder's descriptor where the
 * path is too long for a socket's address.
 */
export async function connectIn(folder: string, name: string): Promise<Socket | undefined> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= maxSocketPath) return connected(path)
  const handle = await open(folder).catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    return await connected(`/proc/self/fd/${handle.fd}/${name}`)
  } finally {
    await handle.close()
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
