/** What clients may speak, and which service answers them, while fleets are replaced. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { get as getOverTls } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

/**
 * Answers with its greeting, and what is sent to it through an upgraded connection with its greeting before it. The
 * accepted key is the one of RFC 6455's example, section 1.3. It keeps its side of a connection open when the client leaves.
 */
const greeter = `
  const { GREETING } = process.env
  const server = require('node:http').createServer((request, response) => response.end(GREETING + ' ' + request.url))
  server.on('upgrade', (request, socket) => {
    const accept = 'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    socket.write(['HTTP/1.1 101 Switching', 'connection: upgrade', 'upgrade: websocket', accept, '', ''].join('\\r\\n'))
    socket.on('data', (data) => socket.write(GREETING + ' ' + data))
    socket.on('error', () => {})
  })
  server.listen(8080)
  process.on('SIGTERM', () => process.exit(0))
`
const command = ['/usr/bin/node', '-e', greeter]

interface Pair {
  readonly certificate: string
  readonly key: string
}

async function selfSigned(scene: Scene): Promise<Pair> {
  const pair = { certificate: join(scene.folder, 'shop.pem'), key: join(scene.folder, 'shop.key') }
  const names = ['-subj', '/CN=shop.test', '-addext', 'subjectAltName=DNS:shop.test']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const files = ['-keyout', pair.key, '-out', pair.certificate]
  await promisify(execFile)('openssl', ['req', '-x509', '-nodes', '-days', '1', ...curve, ...names, ...files])
  return pair
}

test('TLS: HTTP/2, HTTP/1.1 and WebSocket on one port, through a replacement', async () => {
  const scene = await openScene()
  const tls = await selfSigned(scene)
  const ca = await readFile(tls.certificate)
  const declare = (GREETING: string) =>
    scene.declare({
      command,
      replicas: 2,
      environment: { GREETING },
      route: { listen: `127.0.0.1:${scene.port}`, tls: { certificate: './shop.pem', key: './shop.key' } },
      health: { tcp: true, interval: '200ms' },
      drain: '2s',
    })
  await declare('first')
  expect(await scene.succeed('up')).toMatchObject({ ok: true })
  expect(await overHttp2(scene, ca)).toEqual({ protocol: 'h2', body: 'first /' })
  expect(await overHttp1(scene, ca)).toBe('first /')
  const tunnel = await openTunnel(scene, ca)
  expect(await echo(tunnel, 'hello')).toBe('first hello')

  const closed = once(tunnel, 'close')
  await declare('second')
  expect(await scene.succeed('up')).toMatchObject({ ok: true })
  // The tunnel had the time of the drain, and ended with its instance.
  await closed
  expect(await overHttp2(scene, ca)).toEqual({ protocol: 'h2', body: 'second /' })
  expect(await overHttp1(scene, ca)).toBe('second /')
  expect(await echo(await openTunnel(scene, ca), 'again')).toBe('second again')
})

test('an upgraded connection goes on while its instance drains', async () => {
  const scene = await openScene()
  const tls = await selfSigned(scene)
  const ca = await readFile(tls.certificate)
  const declare = (GREETING: string) =>
    scene.declare({
      command,
      replicas: 1,
      environment: { GREETING },
      route: { listen: `127.0.0.1:${scene.port}`, tls: { certificate: './shop.pem', key: './shop.key' } },
      health: { tcp: true, interval: '200ms' },
      drain: '30s',
    })
  await declare('first')
  await scene.succeed('up')
  const tunnel = await openTunnel(scene, ca)
  await declare('second')
  const ended = once(scene.start('up'), 'exit')
  await eventually('new requests reach the new version', async () => (await overHttp1(scene, ca)) === 'second /')
  expect(await echo(tunnel, 'still')).toBe('first still')
  tunnel.destroy()
  expect(await ended).toEqual([0, null])
})

test('services share a port by host and by path, and another joins them without losing a request', async () => {
  const scene = await openScene()
  const listen = `127.0.0.1:${scene.port}`
  const service = (GREETING: string, route: object) =>
    scene.service({ command, replicas: 1, environment: { GREETING }, route, health: { tcp: true } })
  const services = {
    web: service('web', { listen }),
    shop: service('shop', { listen, host: 'shop.test' }),
    api: service('api', { listen, path: '/api' }),
  }
  await scene.write(stringify({ stack: scene.stack, services }))
  await scene.succeed('up')
  expect(await ask(scene.port, 'any.test', '/x')).toBe('200 web /x')
  expect(await ask(scene.port, 'shop.test', '/x')).toBe('200 shop /x')
  expect(await ask(scene.port, 'any.test', '/api/x')).toBe('200 api /api/x')
  expect(await ask(scene.port, 'any.test', '/apis')).toBe('200 web /apis')

  const before = await scene.instanceIds()
  const other = await freePort()
  const load = await scene.load({ ratePerSecond: 200, connections: 'new' })
  const routes = [{ listen, path: '/new' }, { listen: `127.0.0.1:${other}` }]
  await scene.write(stringify({ stack: scene.stack, services: { ...services, more: service('more', routes) } }))
  await scene.succeed('up')
  expect(await ask(scene.port, 'any.test', '/new')).toBe('200 more /new')
  expect(await ask(other, 'any.test', '/')).toBe('200 more /')
  expect(await ask(scene.port, 'shop.test', '/x')).toBe('200 shop /x')

  await scene.write(stringify({ stack: scene.stack, services }))
  await scene.succeed('up')
  expect(await ask(scene.port, 'any.test', '/new')).toBe('200 web /new')
  expect((await load.stop()).failures).toEqual([])
  expect(await scene.instanceIds()).toEqual(before)
})

test('two environments of one file run beside each other, each as it is declared', async () => {
  const scene = await openScene()
  const other = await freePort()
  const staging = {
    web: { replicas: 2, route: { listen: `127.0.0.1:${other}` }, environment: { GREETING: 'staging' } },
  }
  await scene.write(
    stringify({
      stack: scene.stack,
      services: { web: scene.service({ command, replicas: 1, health: { tcp: true } }) },
      environments: { production: {}, staging: { services: staging } },
    }),
  )
  expect(await scene.succeed('up', '--env', 'production')).toMatchObject({ services: [{ ready: 1 }] })
  expect(await scene.succeed('up', '--env', 'staging')).toMatchObject({ services: [{ ready: 2 }] })
  expect(await ask(scene.port, 'any.test', '/')).toBe('200 first /')
  expect(await ask(other, 'any.test', '/')).toBe('200 staging /')
  await scene.succeed('down', '--env', 'staging')
  expect(await ask(scene.port, 'any.test', '/')).toBe('200 first /')
  expect((await scene.instances()).map(({ Labels }) => Labels['repave.environment'])).toEqual(['production'])
  await scene.succeed('down', '--env', 'production')
  expect(await scene.leftovers()).toEqual([])
})

async function overHttp2({ port }: Scene, ca: Buffer): Promise<{ readonly protocol: unknown; readonly body: string }> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, servername: 'shop.test' })
  try {
    const body = await text(session.request({ ':path': '/', ':authority': 'shop.test' }))
    return { protocol: session.alpnProtocol, body }
  } finally {
    session.destroy()
  }
}

async function overHttp1({ port }: Scene, ca: Buffer): Promise<string> {
  const request = getOverTls({ host: '127.0.0.1', port, ca, servername: 'shop.test', agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return text(response)
}

/** A connection upgraded as a WebSocket is (RFC 6455, section 4); what goes through it then is not looked at. */
async function openTunnel({ port }: Scene, ca: Buffer): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'shop.test', ALPNProtocols: ['http/1.1'] })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13'
  socket.write(`GET /socket HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n\r\n`)
  const [head] = await once(socket, 'data')
  expect(String(head)).toMatch(/^HTTP\/1.1 101 /)
  return socket
}

async function echo(socket: TLSSocket, words: string): Promise<string> {
  socket.write(words)
  const [answer] = await once(socket, 'data')
  return String(answer)
}

async function ask(port: number, host: string, path: string): Promise<string> {
  const request = get({ host: '127.0.0.1', port, path, agent: false, headers: { host } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return `${response.statusCode} ${await text(response)}`
}
