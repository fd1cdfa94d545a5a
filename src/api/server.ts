/** Serves the API on a unix socket that only its owner can open. */
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { asRepaveError, RepaveError } from '../errors.ts'
import type { UpgradeListener } from './terminal-server.ts'
import { errorCode } from '../system/error-code.ts'

/** How long an answer that is under way may take to end once the server closes. */
const closingMs = 500

export interface ApiServer {
  /** Requests that are being answered, follows included. */
  readonly busy: () => number
  /** Takes no more requests, cuts those that don't end soon, and removes the socket. */
  readonly close: () => Promise<void>
}

/** How often the socket is looked for: without its file, nobody could reach the controller, or start another one. */
const usualLookMs = 2_000

/**
 * Listens at `path`, a unix socket of mode 0600, and again where somebody removed that. The caller holds the claim to
 * the folder, so that a socket that is there was left by a dead controller.
 */
export async function serveApi(
  api: Hono,
  path: string,
  lookMs = usualLookMs,
  onUpgrade?: UpgradeListener,
): Promise<ApiServer> {
  let busy = 0
  const listener = getRequestListener(api.fetch)
  const servers = new Set<Server>()
  const upgraded = new Set<Duplex>()
  const open = async () => {
    const server = createServer(listener)
    server.on('request', (_, response) => {
      busy += 1
      response.once('close', () => (busy -= 1))
    })
    if (onUpgrade)
      server.on('upgrade', (request, socket, head) => {
        upgraded.add(socket)
        socket.once('close', () => upgraded.delete(socket))
        onUpgrade(request, socket, head)
      })
    await listenPrivately(server, path)
    servers.add(server)
    server.once('close', () => servers.delete(server))
  }
  await open()
  const reopen = async () => {
    // First: a server that closes removes the file at its path, whosever that is.
    for (const server of servers) server.close()
    await open()
  }
  const endWatch = watchSocket(path, lookMs, reopen)
  const closeAll = async () => {
    await endWatch()
    for (const socket of upgraded) socket.destroy()
    await Promise.all([...servers].map(close))
  }
  return { busy: () => busy, close: closeAll }
}

/** Calls `reopen` when the socket is missing; returns what ends that. */
function watchSocket(path: string, lookMs: number, reopen: () => Promise<void>): () => Promise<void> {
  let reopening: Promise<void> | undefined
  const look = () => {
    if (reopening || existsSync(path)) return
    // What fails now, say because the folder is gone too, is tried again.
    reopening = reopen()
      .catch(() => {})
      .finally(() => (reopening = undefined))
  }
  const timer = setInterval(look, lookMs).unref()
  return async () => {
    clearInterval(timer)
    await reopening
  }
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
