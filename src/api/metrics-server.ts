/** Serves `/metrics` over TCP, and nothing else: Prometheus does not scrape unix sockets. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { asRepaveError, RepaveError } from '../errors.ts'
import { errorCode } from '../system/error-code.ts'
import type { Exposition } from './exposition.ts'

const mostConnections = 32
const requestTimeoutMs = 5_000

export interface MetricsServer {
  /** `host:port`, as it listens. */
  readonly address: string
  readonly close: () => Promise<void>
}

interface Listen {
  readonly host: string
  readonly port: number
}

/** Throws USAGE for an address that is none, PORT_IN_USE and NOT_PERMITTED for one that can't be had. */
export async function serveMetrics(address: string, expose: () => Promise<Exposition>): Promise<MetricsServer> {
  const listen = parseAddress(address)
  const exposeOnce = shared(expose)
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs }, (...exchange) => {
    void answer(...exchange, exposeOnce)
  })
  server.maxConnections = mostConnections
  try {
    server.listen(listen.port, listen.host)
    await once(server, 'listening')
  } catch (error) {
    throw translate(error, address)
  }
  return { address: addressOf(server), close: () => close(server) }
}

/** `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464`. */
export function parseAddress(address: string): Listen {
  const [, ipv6, name, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(address) ?? []
  const host = ipv6 ?? name
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new RepaveError('USAGE', `${JSON.stringify(address)} is no address to serve metrics at`, {
    hint: 'give a host and a port, for example 127.0.0.1:9464; --metrics or REPAVE_METRICS says it',
  })
}

/** Who asks while an answer is being made gets that one. */
function shared<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let making: Promise<Result> | undefined
  return () => (making ??= make().finally(() => (making = undefined)))
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  expose: () => Promise<Exposition>,
): Promise<void> {
  request.resume()
  response.setHeader('connection', 'close')
  if ((request.url ?? '').split('?')[0] !== '/metrics') return plain(response, 404, 'only /metrics is served here')
  if (request.method !== 'GET') {
    response.setHeader('allow', 'GET')
    return plain(response, 405, 'only GET is answered')
  }
  try {
    const { contentType, text } = await expose()
    response.writeHead(200, { 'content-type': contentType }).end(text)
  } catch (error) {
    plain(response, 500, asRepaveError(error).message)
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

function addressOf(server: Server): string {
  const found = server.address()
  if (found === null || typeof found === 'string') throw new TypeError('it does not listen at an address')
  return found.family === 'IPv6' ? `[${found.address}]:${found.port}` : `${found.address}:${found.port}`
}

function translate(error: unknown, address: string): RepaveError {
  const hint = 'give another one with --metrics or REPAVE_METRICS'
  const code = errorCode(error) ?? ''
  if (code === 'EADDRINUSE')
    return new RepaveError('PORT_IN_USE', `somebody else listens at ${address}, where metrics are to be served`, {
      hint,
    })
  if (code === 'EACCES')
    return new RepaveError('NOT_PERMITTED', `can't serve metrics at ${address}: EACCES`, { hint, cause: error })
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(code))
    return new RepaveError('USAGE', `this machine has no address ${address} to serve metrics at`, {
      hint,
      cause: error,
    })
  return asRepaveError(error)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
