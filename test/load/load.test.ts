import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { defaultPlan, generateLoad } from './generate.ts'
import { type RunningLoad, startLoad } from './load-process.ts'
import { quantile, Tally } from './tally.ts'

let server: Server | undefined
let load: RunningLoad | undefined

afterEach(() => {
  load?.kill()
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener)
  server = started
  await new Promise<void>((ready) => started.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/`
}

/** Ends a load when the server has been asked `count` times. */
function countdown(count: number): { readonly signal: AbortSignal; readonly tick: () => number } {
  const end = new AbortController()
  let ticks = 0
  const tick = (): number => {
    ticks += 1
    if (ticks === count) end.abort()
    return ticks
  }
  return { signal: end.signal, tick }
}

test('every answer is counted under its release and its instance', async () => {
  const { signal, tick } = countdown(60)
  const url = await serve((_request, response) => {
    const release = tick() <= 20 ? 'old one' : 'new'
    response.writeHead(200, { 'x-greeting': encodeURIComponent(release), 'x-instance': 'web-1' }).end('hello')
  })
  const report = await generateLoad({ ...defaultPlan, url }, signal)
  expect(report.failures).toEqual([])
  expect(report.releases['old one']?.count).toBe(20)
  expect(report.releases['new']?.count).toBe(report.requests - 20)
  const { firstAtMs = NaN, lastSentAtMs, lastAtMs } = report.releases['new'] ?? {}
  expect(lastSentAtMs).toBeGreaterThanOrEqual(firstAtMs)
  expect(lastSentAtMs).toBeLessThanOrEqual(lastAtMs ?? NaN)
  expect(report.instances['web-1']?.count).toBe(report.requests)
})

test('an error status, a cut answer and a silent server are failures', async () => {
  const { signal, tick } = countdown(3)
  const url = await serve((_request, response) => {
    const turn = tick() % 3
    if (turn === 0) return response.writeHead(503).end()
    if (turn === 1) return response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy())
    return undefined
  })
  const report = await generateLoad({ ...defaultPlan, url, timeoutMs: 200, ratePerSecond: 100 }, signal)
  expect(report.answers).toBe(0)
  expect(new Set(report.failures.map(({ reason }) => reason))).toEqual(
    new Set(['HTTP 503', 'UND_ERR_SOCKET', 'TimeoutError']),
  )
})

test('an error of a release is counted under it', async () => {
  const { signal, tick } = countdown(40)
  const url = await serve((_request, response) => {
    response.writeHead(tick() % 4 === 0 ? 500 : 200, { 'x-greeting': 'new' }).end()
  })
  const { releases, failures, requests } = await generateLoad({ ...defaultPlan, url }, signal)
  expect(releases['new']).toMatchObject({ count: requests, failed: failures.length })
  expect(failures[0]).toMatchObject({ reason: 'HTTP 500', release: 'new' })
})

test('a refused connection is a failure', async () => {
  const url = await serve(() => {})
  server?.close()
  const report = await generateLoad({ ...defaultPlan, url }, AbortSignal.timeout(50))
  expect(report.failures.map(({ reason }) => reason)).toContain('ECONNREFUSED')
})

test('methods take turns, and a connection is used once where that is asked for', async () => {
  const { signal, tick } = countdown(40)
  const seen: string[] = []
  const sockets = new Set<unknown>()
  const url = await serve((request, response) => {
    tick()
    seen.push(request.method ?? '')
    sockets.add(request.socket)
    request.resume().on('end', () => response.end())
  })
  const report = await generateLoad({ ...defaultPlan, url, methods: ['GET', 'POST'], connections: 'new' }, signal)
  expect(report.failures).toEqual([])
  expect(sockets.size).toBe(report.requests)
  expect(seen.filter((method) => method === 'POST').length).toBe(Math.floor(report.requests / 2))
})

test('a load in a process of its own reports when it is stopped', async () => {
  const url = await serve((_request, response) => response.end())
  load = await startLoad({ url, ratePerSecond: 100 })
  const report = await load.stop()
  expect(report.answers).toBeGreaterThan(0)
  expect(report.failures).toEqual([])
})

test('a traced load reports every outcome', async () => {
  const url = await serve((_request, response) => response.setHeader('x-greeting', 'new').end())
  load = await startLoad({ url, ratePerSecond: 100, traced: true })
  const { requests, trace } = await load.stop()
  expect(trace).toHaveLength(requests)
  expect(trace?.[0]).toMatchObject({ kind: 'answer', release: 'new' })
})

test('quantiles are values that were seen', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2)
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4)
  expect(quantile([], 0.5)).toBe(0)
})

test('failures do not count into latencies', () => {
  const tally = new Tally()
  tally.record({ kind: 'answer', sentAtMs: 3, atMs: 5, tookMs: 2, release: 'a', instance: 'i' })
  tally.record({ kind: 'failure', sentAtMs: 1, atMs: 6, tookMs: 900, request: 'GET', reason: 'HTTP 503' })
  const report = tally.report(0, 10)
  expect(report.latencyMs.max).toBe(2)
  expect(report.requests).toBe(2)
})
