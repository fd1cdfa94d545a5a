/** Serves the API on a unix socket that only its owner can open. */
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { asRepaveError, RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'

/** How long an answer that is under way may take to end once the server closes. */
const closingMs = 500

export interface ApiServer {
  /** Requests that are being answered, follows included. */
  readonly busy: () => number
  /** Takes no more requests, cuts those that don't end soon, and removes the socket. */
  readonly close: () => Promise<void>
}

/**
 * Listens at `path`, a unix socket of mode 0600. The caller holds the claim to the folder, so that a socket
 * that is there was left by a dead controller.
 */
export async function serveApi(api: Hono, path: string): Promise<ApiServer> {
  let busy = 0
  const server = createServer(getRequestListener(api.fetch))
  server.on('request', (_, response) => {
    busy += 1
    response.once('close', () => (busy -= 1))
  })
  await listenPrivately(server, path)
  return { busy: () => busy, close: () => close(server) }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  try {
    rmSync(path, { force: true })
    const listening = once(server, 'listening')
    bindPrivately(server, path)
    await listening
  } catch (error) {
    throw translate(error, path)
  }
}

/** Binding makes the file with the mode that the umask leaves, and Node binds before `listen` returns. */
function bindPrivately(server: Server, path: string): void {
  const usual = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(usual)
  }
}

function translate(error: unknown, path: string): RepaveError {
  const code = errorCode(error)
  if (code === 'ENOSPC') return new RepaveError('DISK_FULL', `no space left for ${path}`, { hint: 'free some space' })
  if (code === 'EACCES' || code === 'EROFS') {
    return new RepaveError('NOT_PERMITTED', `can't listen at ${path}: ${code}`, {
      hint: 'set REPAVE_HOME to a folder that you may write to',
      cause: error,
    })
  }
  return asRepaveError(error)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), closingMs)
  await closed
  clearTimeout(cut)
}
