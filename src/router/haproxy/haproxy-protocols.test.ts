/** What clients may speak, through a real HAProxy. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Route } from '../../model/stack.ts'
import { haproxyWorld, listening, until, type HaproxyWorld } from './haproxy-world.ts'

const web = 'shop.production.web'
const api = 'shop.production.api'
let world: HaproxyWorld

beforeEach(async () => {
  world = await haproxyWorld()
})
afterEach(() => world.close())

describe('plain HTTP', () => {
  it('tells the instance who asked, whatever the client claims', async () => {
    const server = createServer((request, response) => response.end(JSON.stringify(request.headers)))
    try {
      await route({}, await listening(server))
      const { address, port } = world.listens[0]
      const headers = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' }
      const response = await fetch(`http://${address}:${port}/`, { headers })
      expect(await response.json()).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' })
      expect(response.headers.get('server')).toBeNull()
    } finally {
      server.close()
    }
  })

  it('answers for itself in a line of plain text, and refuses what is no HTTP or too long', async () => {
    await route({ host: 'shop.test' }, { host: '127.0.0.1', port: 1 })
    const { address, port } = world.listens[0]
    const response = await fetch(`http://${address}:${port}/`)
    expect([response.status, await response.text()]).toEqual([404, 'no route for this host and path\n'])
    expect(await rawRequest('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect(await rawRequest(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 400/,
    )
  })

  it('keeps a connection that is idle during a reload, and sends its next request to a new server', async () => {
    await route({}, await world.serve('web-1'))
    const socket = connectTcp({ host: '127.0.0.1', port: world.listens[0].port })
    const ask = async () => {
      socket.write('GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n')
      const [answer] = await once(socket, 'data')
      return String(answer)
    }
    expect(await ask()).toMatch(/web-1$/)
    await world.router.configure([{ pool: web, routes: world.listens.map((listen) => ({ listen, path: '/' })) }])
    await world.router.add(web, 'web-2', await world.serve('web-2'), 'a')
    expect(await world.router.remove(web, 'web-1', 10_000)).toBe('drained')
    const last = await ask()
    expect(last).toMatch(/web-2$/)
    expect(last).toMatch(/connection: close/i)
    socket.destroy()
  })
})

describe('WebSocket', () => {
  it('counts a tunnel as a session, keeps it through a reload, and cuts it at the end', async () => {
    const server = createServer()
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)))
    try {
      await route({}, await listening(server))
      const client = new WebSocket(`ws://127.0.0.1:${world.listens[0].port}/`)
      await once(client, 'open')
      expect((await world.router.observe()).servers).toMatchObject([{ sessions: 1 }])
      await world.router.configure([{ pool: web, routes: world.listens.map((listen) => ({ listen, path: '/' })) }])
      client.send('hello')
      expect(String((await once(client, 'message'))[0])).toBe('hello')
      expect((await world.router.observe()).servers).toMatchObject([{ sessions: 1 }])
      const closed = once(client, 'close')
      expect(await world.router.remove(web, 'web-1', 50)).toBe('cut')
      await closed
    } finally {
      sockets.close()
      server.close()
      server.closeAllConnections()
    }
  })
})

describe('TLS', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'repave-tls-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('serves HTTP/2 and HTTP/1.1, and shows where the certificate came from', async () => {
    const tls = await selfSigned('one')
    await route({ tls }, await world.serve('web-1'))
    const ca = await readFile(tls.certificate)
    const { port } = world.listens[0]
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, servername: 'shop.test' })
    const stream = session.request({ ':path': '/', ':authority': 'shop.test' })
    expect(await text(stream)).toBe('web-1')
    expect(session.alpnProtocol).toBe('h2')
    session.destroy()
    expect(await getOverTls(ca)).toBe('web-1')
    expect((await world.router.observe()).services).toMatchObject([{ routes: [{ tls }] }])
  })

  it('takes a renewed certificate without losing a server', async () => {
    const tls = await selfSigned('one')
    const services = [{ pool: web, routes: [{ listen: world.listens[0], path: '/', tls }] }]
    await route({ tls }, await world.serve('web-1'))
    expect(await world.router.observe()).toMatchObject({ isOutdated: false, problems: [] })
    await selfSigned('one')
    expect(await world.router.observe()).toMatchObject({ isOutdated: true, problems: [] })
    await world.router.configure(services)
    expect(await world.another().observe()).toMatchObject({ isOutdated: false, problems: [] })
    expect(await getOverTls(await readFile(tls.certificate))).toBe('web-1')
  })

  it('serves a certificate on whose renewal is not valid, and tells why', async () => {
    const tls = await selfSigned('one')
    const services = [{ pool: web, routes: [{ listen: world.listens[0], path: '/', tls }] }]
    await route({ tls }, await world.serve('web-1'))
    const ca = await readFile(tls.certificate)
    for (const spoil of [() => rm(tls.key), () => selfSigned('one', ['-newkey', 'rsa:1024'])]) {
      await spoil()
      expect(await world.another().observe()).toMatchObject({
        isOutdated: false,
        problems: [{ code: 'CERTIFICATE_INVALID', message: expect.stringContaining('shop/production/web: ') }],
      })
      await world.router.configure(services)
      expect(await getOverTls(ca)).toBe('web-1')
    }
    await selfSigned('one')
    expect(await world.router.observe()).toMatchObject({ isOutdated: true, problems: [] })
  })

  it('refuses a key that belongs to another certificate, and files that are none', async () => {
    const [one, two] = [await selfSigned('one'), await selfSigned('two')]
    const nonsense = join(folder, 'nonsense.pem')
    await writeFile(nonsense, 'nonsense')
    const bad = [
      { ...one, key: two.key },
      { ...one, key: nonsense },
      { ...one, certificate: nonsense },
    ]
    for (const tls of bad)
      await expect(
        world.router.check([{ pool: web, routes: [{ listen: world.listens[0], path: '/', tls }] }]),
      ).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    expect(await world.processes()).toEqual([])
  })

  it('refuses, before anything changes, a certificate that HAProxy finds too weak', async () => {
    await route({}, await world.serve('web-1'))
    const tls = await selfSigned('weak', ['-newkey', 'rsa:1024'])
    const services = [{ pool: web, routes: [{ listen: world.listens[1], path: '/', tls }] }]
    await expect(world.router.check(services)).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: `HAProxy refuses ${tls.certificate}: unable to load SSL certificate into SSL Context`,
    })
    await expect(world.router.configure(services)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    expect(await readdir(join(world.folder, 'certificates'))).toEqual([])
    expect(await world.request({ listen: world.listens[0], host: 'shop.test', path: '/' })).toMatchObject({
      instance: 'web-1',
    })
  })

  describe('whose files are gone when HAProxy starts anew', () => {
    let tls: NonNullable<Route['tls']>
    let ca: Buffer
    const both = () => [
      { pool: api, routes: [{ listen: world.listens[1], path: '/' }] },
      { pool: web, routes: [{ listen: world.listens[0], path: '/', tls }] },
    ]
    beforeEach(async () => {
      tls = await selfSigned('one')
      ca = await readFile(tls.certificate)
      await world.router.configure([both()[1]!])
      await world.router.configure(both())
      await rename(tls.key, `${tls.key}.away`)
      await world.crash()
    })

    it('is served from the copy that was made of them', async () => {
      await world.another().configure(both())
      await addBoth()
      expect(await getOverTls(ca)).toBe('web-1')
      expect(await plainAnswer()).toMatchObject({ instance: 'api-1' })
      await world.another().configure(both())
      expect(await getOverTls(ca)).toBe('web-1')
      await expect(world.router.check(both())).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    })

    it('is left out where there is no whole copy, until they are back', async () => {
      for (const name of await readdir(join(world.folder, 'certificates')))
        await writeFile(join(world.folder, 'certificates', name), 'half of it')
      for (const _ of [1, 2])
        await expect(world.router.configure(both())).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
      await world.router.add(api, 'api-1', await world.serve('api-1'), 'a')
      expect(await plainAnswer()).toMatchObject({ instance: 'api-1' })
      await rename(`${tls.key}.away`, tls.key)
      await world.router.configure(both())
      await addBoth()
      expect(await getOverTls(ca)).toBe('web-1')
    })
  })

  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

  async function selfSigned(name: string, key: readonly string[] = curve): Promise<NonNullable<Route['tls']>> {
    const tls = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
    const subject = ['-subj', '/CN=shop.test', '-addext', 'subjectAltName=DNS:shop.test,IP:127.0.0.1']
    const files = ['-keyout', tls.key, '-out', tls.certificate]
    await promisify(execFile)('openssl', ['req', '-x509', '-nodes', '-days', '1', ...key, ...subject, ...files])
    return tls
  }
})

async function route(more: Partial<Route>, address: { readonly host: string; readonly port: number }): Promise<void> {
  await world.router.configure([{ pool: web, routes: [{ listen: world.listens[0], path: '/', ...more }] }])
  await world.router.add(web, 'web-1', address, 'a')
}

async function addBoth(): Promise<void> {
  await world.router.add(web, 'web-1', await world.serve('web-1'), 'a')
  await world.router.add(api, 'api-1', await world.serve('api-1'), 'a')
}

function plainAnswer() {
  return world.request({ listen: world.listens[1], host: 'shop.test', path: '/' })
}

async function rawRequest(bytes: string): Promise<string> {
  const socket = connectTcp({ host: '127.0.0.1', port: world.listens[0].port })
  socket.write(bytes)
  let answer = ''
  socket.on('data', (data) => (answer += String(data)))
  await until(() => socket.closed)
  return answer
}

function getOverTls(ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { address: host, port } = world.listens[0]
    const request = httpsRequest({ host, port, ca, servername: 'shop.test', agent: false }, (response) => {
      text(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.end()
  })
}
