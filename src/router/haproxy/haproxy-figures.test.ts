/** What a real HAProxy tells of requests that end in uncommon ways. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Answered, RoutedService } from '../router.ts'
import { haproxyWorld, listening, until, type HaproxyWorld } from './haproxy-world.ts'
import { MasterSocket } from './master-socket.ts'

const web = 'shop.production.web'
const probe = 'shop.production.probe'
let world: HaproxyWorld
let servers: Server[]
let told: Answered[]
let probed: number
let lost: number
let end: AbortController
let measured: Promise<void>

beforeEach(async () => {
  world = await haproxyWorld()
  servers = []
  told = []
  probed = 0
  lost = 0
  end = new AbortController()
  await world.router.configure(routes())
  await world.router.add(probe, 'probe-1', await world.serve('probe-1'), 'a')
  measured = measure(world.router, end.signal)
  await untilProbed()
})
afterEach(async () => {
  end.abort()
  await measured
  await world.close()
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

describe('figures', () => {
  it('tell of an answer that breaks off, and of one that is none', async () => {
    await serve((request, response) => {
      if (request.url === '/half') {
        response.writeHead(200, { 'content-length': 100 }).write('half of it', () => response.destroy())
      } else response.socket?.end('nonsense\r\n\r\n')
    })
    await raw('POST /half')
    await raw('POST /nonsense')
    await until(() => told.length === 2)
    expect(told).toMatchObject([
      { instance: 'web-1', lane: 'a', status: 0 },
      { instance: 'web-1', lane: 'a', status: 502 },
    ])
  })

  it('tell of an answer that was given, whether or not the client was still there for it', async () => {
    const server = await serve((_, response) => response.flushHeaders())
    const client = connect(world.listens[0].port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
    client.resetAndDestroy()
    const parts = setInterval(() => response.write('part'), 5)
    await until(() => told.length === 1)
    clearInterval(parts)
    expect(told).toMatchObject([{ instance: 'web-1', status: 200 }])
  })

  it('tell of a WebSocket once, when it ends, also through a reload', async () => {
    const server = await serve(() => undefined)
    const sockets = new WebSocketServer({ server })
    const client = new WebSocket(`ws://127.0.0.1:${world.listens[0].port}/`)
    await once(client, 'open')
    await world.router.configure(routes(world.listens[1]))
    expect(told).toEqual([])
    client.close()
    await until(() => told.length > 0)
    expect(told).toMatchObject([{ instance: 'web-1', lane: 'a', status: 101 }])
    sockets.close()
  })

  it('tell once of a request that a replaced worker hands over, in the lane where it was answered', async () => {
    await serve((_, response) => response.end('ok'))
    const server = await serve((_, response) => response.end('ok'), 'web-2', 'b')
    const socket = connect(world.listens[0].port, '127.0.0.1')
    const ask = async () => {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await once(socket, 'data')
    }
    await ask()
    await world.router.configure(routes(world.listens[1]))
    await world.router.split(web, 1000)
    await ask()
    await untilProbed()
    await until(async () => (await world.processes()).length === 2)
    expect(server.listening).toBe(true)
    expect(told.map(({ instance, lane, status }) => [instance, lane, status])).toEqual([
      ['web-1', 'a', 200],
      ['web-2', 'b', 200],
    ])
    socket.destroy()
  })

  it('let a replaced worker go once it has nothing more to tell', async () => {
    await serve((_, response) => response.end('ok'))
    await raw('GET /')
    for (let count = 0; count < 3; count++) {
      await world.router.configure(count % 2 === 0 ? routes(world.listens[1]) : routes())
      await until(async () => (await world.processes()).length === 2)
      await raw('GET /')
    }
    await until(() => told.length === 4)
    expect(lost).toBe(0)
  })

  it('are told to everyone who measures', async () => {
    const other = new AbortController()
    const before = probed
    const again = measure(world.another(), other.signal)
    await until(async () => {
      const already = probed
      await raw('GET /probe')
      await until(() => probed > already)
      return probed - before > 2 && probed - already > 1
    })
    other.abort()
    await again
  })

  it('say that some were lost when a worker dies, and go on with the next one', async () => {
    const { current } = (await new MasterSocket(world.folder).processes())!
    process.kill(current!, 'SIGKILL')
    await until(() => lost > 0)
    await world.router.configure(routes())
    await world.router.add(probe, 'probe-1', await world.serve('probe-1'), 'a')
    await untilProbed()
  })
})

function measure(router: HaproxyWorld['router'], signal: AbortSignal): Promise<void> {
  return router.measure((figures) => {
    if (figures.kind === 'lost') return void lost++
    told.push(...figures.answers.filter(({ pool }) => pool === web))
    probed += figures.answers.filter(({ pool }) => pool === probe).length
  }, signal)
}

/** Requests to a pool of their own are told of. */
async function untilProbed(): Promise<void> {
  const before = probed
  await until(async () => {
    await raw('GET /probe')
    return probed > before
  })
}

function routes(more?: HaproxyWorld['listens'][1]): readonly RoutedService[] {
  const listens = [world.listens[0], ...(more ? [more] : [])]
  return [
    { pool: web, routes: listens.map((listen) => ({ listen, path: '/' })) },
    { pool: probe, routes: [{ listen: world.listens[0], path: '/probe' }] },
  ]
}

async function serve(listener: RequestListener, instance = 'web-1', lane: 'a' | 'b' = 'a'): Promise<Server> {
  const server = createServer(listener)
  servers.push(server)
  await world.router.add(web, instance, await listening(server), lane)
  return server
}

/** A request on a connection of its own, whatever comes of it. */
async function raw(line: string): Promise<void> {
  const socket = connect(world.listens[0].port, '127.0.0.1')
  socket.end(`${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`).resume()
  await once(socket, 'close')
}
