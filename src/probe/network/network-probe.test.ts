import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Health } from '../../model/version.ts'
import { networkProbe } from './network-probe.ts'

const timing = { intervalMs: 1_000, timeoutMs: 200, healthyAfter: 1, unhealthyAfter: 3 }
const http: Health = { kind: 'http', path: '/healthz', ...timing }
const tcp: Health = { kind: 'tcp', ...timing }
const never = new AbortController().signal

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

test.each([
  [200, true],
  [302, true],
  [404, false],
  [503, false],
])('an answer of %i is healthy: %s', async (status, healthy) => {
  const address = await serve((request, response) =>
    response.writeHead(request.url === '/healthz' ? status : 500).end(),
  )
  expect(await networkProbe.probe(address, http, never)).toEqual({ healthy, answer: `HTTP ${status} from /healthz` })
})

test('an instance that accepts and stays silent is unhealthy over HTTP, and alive over TCP', async () => {
  const address = await serve(() => {})
  expect(await networkProbe.probe(address, http, never)).toEqual({ healthy: false, answer: 'no answer in time' })
  expect(await networkProbe.probe(address, tcp, never)).toEqual({ healthy: true, answer: 'accepts connections' })
})

test('an endless answer is judged by its head', async () => {
  const address = await serve((_request, response) => {
    response.writeHead(200)
    const endless = setInterval(() => response.write('x'.repeat(1_000)), 5)
    response.on('close', () => clearInterval(endless))
  })
  expect((await networkProbe.probe(address, http, never)).healthy).toBe(true)
})

test('nothing of the connection lingers at the instance', async () => {
  const address = await serve((_request, response) => response.end('well'))
  for (let count = 0; count < 3; count += 1) await networkProbe.probe(address, http, never)
  await vi.waitFor(async () => expect(await connectionsAt(address.port)).toEqual([]))
})

/** The states of the connections whose local port it is, as in /proc/net/tcp: 01 is open, 06 is TIME_WAIT. */
async function connectionsAt(port: number): Promise<readonly string[]> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await readFile('/proc/self/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.filter((cells) => cells[1]?.endsWith(local) && cells[3] !== '0A').map((cells) => cells[3] ?? '')
}

test('a closed port refuses', async () => {
  const address = { host: '127.0.0.1', port: 1 }
  for (const health of [http, tcp])
    expect(await networkProbe.probe(address, health, never)).toEqual({ healthy: false, answer: 'connection refused' })
})
