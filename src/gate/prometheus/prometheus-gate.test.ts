import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { PrometheusGate } from './prometheus-gate.ts'

const never = new AbortController().signal
const vector = (...result: readonly object[]) => ({ status: 'success', data: { resultType: 'vector', result } })

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serveText = (status: number, text: string, headers = {}) =>
  serve((_request, response) => response.writeHead(status, headers).end(text))

const measure = (url: string, options = {}) => new PrometheusGate(options).measure({ url, query: 'up' }, never)

const failure = (code: string, message = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

test('it asks below the path of its address, in a bounded time', async () => {
  let asked: string | undefined
  const url = await serve((request, response) => {
    asked = request.url
    response.end(JSON.stringify(vector({ metric: {}, value: [1_795_513_292.264, '3'] })))
  })
  const gate = new PrometheusGate()
  expect(await gate.measure({ url: `${url}/monitoring/?tenant=a`, query: 'sum(a{b="c&d"})' }, never)).toBe(3)
  expect(asked).toBe('/monitoring/api/v1/query?tenant=a&query=sum%28a%7Bb%3D%22c%26d%22%7D%29&timeout=5000ms')
})

test.each([
  ['3', 3],
  ['1e-07', 1e-7],
  ['-Inf', -Infinity],
  ['NaN', undefined],
])('the value %s is %s', async (value, number) => {
  const url = await serveText(200, JSON.stringify(vector({ metric: {}, value: [0, value] })))
  expect(await measure(url)).toBe(number)
})

test('no series are no data', async () => {
  expect(await measure(await serveText(200, JSON.stringify(vector())))).toBeUndefined()
})

test('several series are a mistake in the query, and it says so', async () => {
  const url = await serveText(
    200,
    JSON.stringify(vector({ value: [0, '1'] }, { value: [0, '2'] }, { value: [0, '3'] })),
  )
  await expect(measure(url)).rejects.toThrow(failure('GATE_FAILED', `${url} answers with 3 series`))
})

test.each([
  ['nothing', ''],
  ['a page', '<html>'],
  ['another object', '{"status":"success","data":{"resultType":"vector"}}'],
  ['an error that is a success', '{"status":"error","error":"x"}'],
  ['a number that is none', JSON.stringify(vector({ value: [0, '0x10'] }))],
  ['an empty number', JSON.stringify(vector({ value: [0, ''] }))],
  ['a histogram', JSON.stringify(vector({ histogram: [0, { count: '1', sum: '1', buckets: [] }] }))],
  ['depths', '['.repeat(500_000)],
])('%s is not taken for an answer', async (_name, text) => {
  await expect(measure(await serveText(200, text))).rejects.toThrow(failure('GATE_FAILED'))
})

test('a refusal has the words of Prometheus, bounded and without control characters', async () => {
  const error = `parse error: \u001B[2J${'x'.repeat(10_000)}`
  const url = await serveText(400, JSON.stringify({ status: 'error', errorType: 'bad_data', error }))
  const { message } = (await measure(url).catch((thrown: unknown) => thrown)) as Error
  expect(message).toContain('refuses the query with HTTP 400: parse error:  [2Jxxx')
  expect(message.length).toBeLessThan(400)
})

test('a redirect is not followed', async () => {
  const url = await serveText(302, '', { location: 'http://127.0.0.1:1/' })
  await expect(measure(url)).rejects.toThrow(failure('GATE_FAILED', 'HTTP 302'))
})

test.each([429, 500, 503])('it may answer later after HTTP %i', async (status) => {
  await expect(measure(await serveText(status, ''))).rejects.toThrow(failure('GATE_UNREACHABLE', `HTTP ${status}`))
})

test('an endless answer is cut off', async () => {
  const url = await serve((_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  })
  await expect(measure(url)).rejects.toThrow(failure('GATE_UNREACHABLE', 'more than 1048576 bytes'))
})

test('silence is not waited for without end, neither before an answer nor within', async () => {
  const silent = await serve(() => {})
  await expect(measure(silent, { timeoutMs: 50 })).rejects.toThrow(failure('GATE_UNREACHABLE', 'within 0.05 s'))
  const halting = await serve((_request, response) => response.write('{'))
  await expect(measure(halting, { timeoutMs: 50 })).rejects.toThrow(failure('GATE_UNREACHABLE', 'within 0.05 s'))
})

test('who gives up while it is asked gets the own reason', async () => {
  const giveUp = new AbortController()
  const url = await serve(() => giveUp.abort(new Error('changed my mind')))
  const measured = new PrometheusGate().measure({ url, query: 'up' }, giveUp.signal)
  await expect(measured).rejects.toThrow('changed my mind')
})

test.each(['nonsense', 'ftp://prometheus'])('%s is no address', async (url) => {
  await expect(measure(url)).rejects.toThrow(failure('GATE_FAILED', 'is no address'))
})

test('errors keep credentials to themselves', async () => {
  const { message, hint } = (await measure('http://user:secret@127.0.0.1:1').catch((thrown: unknown) => thrown)) as {
    message: string
    hint: string
  }
  expect(message + hint).not.toContain('secret')
})
