import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { type MetricsServer, parseAddress, serveMetrics } from './metrics-server.ts'

const servers: MetricsServer[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())))

async function serve(expose = async () => ({ contentType: 'text/plain', text: 'repave_up 1\n' }), at = '127.0.0.1:0') {
  const server = await serveMetrics(at, expose)
  servers.push(server)
  return server
}
const url = ({ address }: MetricsServer, path = '/metrics') => `http://${address}${path}`

test('metrics are served, and nothing else', async () => {
  const server = await serve()
  const response = await fetch(url(server))
  expect([response.status, await response.text()]).toEqual([200, 'repave_up 1\n'])
  for (const path of ['/', '/v1/status', '/metrics/', '//metrics', '/v1/controller'])
    expect((await fetch(url(server, path))).status).toBe(404)
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
    expect((await fetch(url(server), { method })).status).toBe(405)
})

test('what can not be told is an error, and the next one is asked anew', async () => {
  let asked = 0
  const server = await serve(async () => {
    asked += 1
    if (asked === 1) throw new Error('no room')
    return { contentType: 'text/plain', text: 'fine\n' }
  })
  expect((await fetch(url(server))).status).toBe(500)
  expect((await fetch(url(server))).status).toBe(200)
})

test('many who ask at once are answered from one look', async () => {
  let looks = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const server = await serve(async () => {
    looks += 1
    await promise
    return { contentType: 'text/plain', text: 'fine\n' }
  })
  const asked = Array.from({ length: 10 }, () => fetch(url(server)).then((response) => response.text()))
  setTimeout(resolve, 100)
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 10 }, () => 'fine\n'))
  expect(looks).toBeLessThan(10)
})

test('an address that somebody else has is refused', async () => {
  const { address } = await serve()
  await expect(serve(undefined, address)).rejects.toThrow(
    expect.objectContaining({
      code: 'PORT_IN_USE',
      message: `somebody else listens at ${address}, where metrics are to be served`,
    }),
  )
})

test.each([
  '',
  '9464',
  ':9464',
  'localhost',
  '127.0.0.1:',
  '127.0.0.1:70000',
  'http://a:1',
  '::1:9464',
  '127.0.0.1:9464/x',
])('%j is no address', (address) => {
  expect(() => parseAddress(address)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test.each(['203.0.113.7:9464', 'no-such-host.invalid:9464'])('this machine has no %s', async (address) => {
  await expect(serve(undefined, address)).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test('an address is a host and a port, in brackets where it is of IPv6', () => {
  expect(parseAddress('[::1]:9464')).toEqual({ host: '::1', port: 9464 })
  expect(parseAddress('localhost:0')).toEqual({ host: 'localhost', port: 0 })
})

test('nonsense is cut off, and others are answered', async () => {
  const server = await serve()
  const [host = '', port] = server.address.split(':')
  const socket = connect(Number(port), host)
  socket.write('nonsense\r\n\r\n')
  expect(await text(socket)).toContain('400')
  expect((await fetch(url(server))).status).toBe(200)
})
