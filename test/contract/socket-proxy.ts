/** A unix socket in front of another, which can be listened in on and cut; for tests. */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'

export interface SocketProxy {
  readonly socketPath: string
  /** The first lines of all requests so far: `GET /v1.41/version HTTP/1.1`. */
  readonly requestLines: readonly string[]
  /** Breaks the connections whose last request matches. */
  cut(requestLine: RegExp): void
  close(): Promise<void>
}

const requestLine = /(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/\S* HTTP\/1\.[01](?=\r\n)/g

export async function openSocketProxy(target: string): Promise<SocketProxy> {
  const socketPath = join(tmpdir(), `repave-proxy-${randomUUID().slice(0, 8)}.sock`)
  const requestLines: string[] = []
  const connections = new Map<Socket, string>()
  const server = createServer((client) => {
    const engine = connect(target)
    connections.set(client, '')
    client.on('data', (bytes: Buffer) => {
      for (const [line] of bytes.toString('latin1').matchAll(requestLine)) {
        requestLines.push(line)
        connections.set(client, line)
      }
    })
    client.on('close', () => connections.delete(client))
    passOn(client, engine)
    passOn(engine, client)
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    requestLines,
    cut: (pattern) => {
      for (const [client, line] of connections) if (pattern.test(line)) client.destroy()
    },
    close: async () => {
      for (const client of connections.keys()) client.destroy()
      server.close()
      await once(server, 'close')
      await rm(socketPath, { force: true })
    },
  }
}

/** Passes on bytes, and the end of either side. */
function passOn(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
}
