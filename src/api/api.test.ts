import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import type { ProgressReport, ResultReport } from '../model/report.ts'
import { createApi } from './api.ts'
import { anEntry, aRefusal, anEvidence, scripted, upRequest } from './scripted-commands.ts'
import { versionHeader } from './version.ts'

const result: ResultReport = {
  ok: true,
  changed: true,
  services: [{ service: 'web', version: 'web@1', ready: 3, serving: 3 }],
}

function post(path: string, body: unknown): [string, RequestInit] {
  return [path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }]
}

async function linesOf(response: Response): Promise<unknown[]> {
  return (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

test('every answer names the version that gave it', async () => {
  const response = await createApi(scripted({}), '1.2.3').request('/v1/controller')
  expect(response.status).toBe(200)
  expect(response.headers.get(versionHeader)).toBe('1.2.3')
  expect(await response.json()).toEqual({ pid: 7, socket: '/s' })
})

test('up answers a line for each report, the verdict last', async () => {
  const reports: ProgressReport[] = [
    { kind: 'image', service: 'web', message: 'building' },
    { kind: 'result', result },
  ]
  const api = createApi(scripted({ up: () => reports }), '1')
  const response = await api.request(...post('/v1/up', upRequest))
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  expect(await linesOf(response)).toEqual(reports)
})

test('up passes the request on whole', async () => {
  const commands = scripted({})
  await createApi(commands, '1').request(...post('/v1/up', upRequest))
  expect(commands.calls).toEqual([['up', upRequest]])
})

test('plan passes on what is asked of its timeline, and refuses what there is not', async () => {
  const commands = scripted({})
  const ask = (timeline: unknown) => createApi(commands, '1').request(...post('/v1/plan', { ...upRequest, timeline }))
  expect((await ask({ requestsPerSecond: 50 })).status).toBe(200)
  expect(commands.calls).toEqual([['plan', { ...upRequest, timeline: { requestsPerSecond: 50 } }]])
  expect((await ask({ requestsPerSecond: -1 })).status).toBe(400)
  expect((await ask({ rate: 50 })).status).toBe(400)
})

test('a request that is refused outright is a problem response', async () => {
  const error = new RepaveError('ROLLOUT_RUNNING', 'a rollout of web runs', { hint: 'wait' }).report()
  const api = createApi(scripted({ up: () => [{ kind: 'error', error }] }), '1')
  const response = await api.request(...post('/v1/up', upRequest))
  expect(response.status).toBe(409)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toEqual(error)
})

test('work that throws half-way ends with an error line', async () => {
  const api = createApi(
    scripted({
      up: async function* () {
        yield { kind: 'image', service: 'web', message: 'building' }
        throw new RepaveError('DISK_FULL', 'no space left', { hint: 'free some' })
      },
    }),
    '1',
  )
  const lines = await linesOf(await api.request(...post('/v1/up', upRequest)))
  expect(lines.at(-1)).toEqual({
    kind: 'error',
    error: { ok: false, code: 'DISK_FULL', message: 'no space left', hint: 'free some' },
  })
})

test('work goes on to its end when its reader goes away', async () => {
  const reached = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const api = createApi(
    scripted({
      rollback: async function* () {
        yield { kind: 'image', service: 'web', message: 'one' }
        await gone.promise
        yield { kind: 'image', service: 'web', message: 'two' }
        reached.resolve()
        yield { kind: 'result', result }
      },
    }),
    '1',
  )
  const response = await api.request(...post('/v1/rollback', { by: 'ann', stack: 'shop', environment: 'default' }))
  const reader = response.body!.getReader()
  await reader.read()
  await reader.cancel()
  gone.resolve()
  await reached.promise
})

test('evidence is listed, and read as it is kept', async () => {
  const commands = scripted({})
  const api = createApi(commands, '1')
  const list = await api.request('/v1/evidence?stack=shop')
  expect(await list.json()).toEqual([anEvidence])
  const bundle = await api.request(`/v1/evidence/bundle?digest=${anEvidence.digest}`)
  expect([bundle.headers.get('content-type'), await bundle.text()]).toEqual(['application/octet-stream', 'a bundle'])
  expect(commands.calls).toEqual([['readEvidence', anEvidence.digest]])
  expect((await api.request('/v1/evidence/bundle?digest=../x')).status).toBe(400)
})

test('refusals are made, lifted and listed', async () => {
  const commands = scripted({})
  const api = createApi(commands, '1')
  const scope = { stack: 'shop', environment: 'default' }
  const what = { kind: 'label', label: 'base', value: 'alpine' }
  const asked = { by: 'ann', ...scope, what, reason: 'it leaks' }
  const lifted = { by: 'ann', ...scope, id: 1, reason: 'mended' }
  const made = await api.request(...post('/v1/refuse', asked))
  expect(await made.json()).toEqual({ ok: true, changed: true, refusal: aRefusal, runs: [] })
  const answer = await api.request(...post('/v1/refuse/lift', lifted))
  expect(await answer.json()).toEqual({ ok: true, changed: true, refusal: aRefusal, others: [] })
  const list = await api.request('/v1/refusals?stack=shop&environment=default')
  expect(await list.json()).toEqual({ ...scope, refusals: [aRefusal] })
  expect(commands.calls).toEqual([
    ['refuse', asked],
    ['lift', lifted],
  ])
})

test.each([
  ['/v1/refuse', { what: { kind: 'name', name: '' }, reason: 'it leaks' }],
  ['/v1/refuse', { what: { kind: 'base', base: 'debian/../../containers' }, reason: 'it leaks' }],
  ['/v1/refuse', { what: { kind: 'package', name: '' }, reason: 'it leaks' }],
  ['/v1/refuse/lift', { id: 1, reason: '' }],
  ['/v1/recall', { what: { kind: 'name', name: 'web@4f9a1c2b' } }],
])('%s without a name or a reason is refused before any command', async (path, rest) => {
  const commands = scripted({})
  const body = { by: 'ann', stack: 'shop', environment: 'default', ...rest }
  const response = await createApi(commands, '1').request(...post(path, body))
  expect(response.status).toBe(400)
  expect(commands.calls).toEqual([])
})

test('drift takes exceptions, each with a reason and a last day', async () => {
  const api = createApi(scripted({}), '1')
  const scope = { stack: 'shop', environment: 'default' }
  const ask = (exception: object) => api.request(...post('/v1/drift', { ...scope, exceptions: [exception] }))
  const exception = { what: 'foreign', reason: 'it is measured', until: '2027-01-31' }
  expect(await (await ask(exception)).json()).toEqual({ ...scope, findings: [] })
  expect((await ask({ ...exception, reason: '' })).status).toBe(400)
  expect((await ask({ ...exception, until: '2027-02-30' })).status).toBe(400)
  expect(await (await api.request('/v1/drift?stack=shop&environment=default')).json()).toEqual({
    ...scope,
    findings: [],
  })
})

test('a follow ends with its reader', async () => {
  const ended = Promise.withResolvers<void>()
  const api = createApi(
    scripted({
      events: async function* (_filter, _follow, signal) {
        signal.addEventListener('abort', () => ended.resolve())
        yield anEntry
        await ended.promise
      },
    }),
    '1',
  )
  const response = await api.request('/v1/events?follow=true')
  const reader = response.body!.getReader()
  await reader.read()
  await reader.cancel()
  await ended.promise
})

test('a follow that fails ends with the error', async () => {
  const api = createApi(
    scripted({
      // oxlint-disable-next-line require-yield
      logs: async function* () {
        throw new RepaveError('SERVICE_UNKNOWN', 'no service wbe', { hint: 'web?' })
      },
    }),
    '1',
  )
  const response = await api.request('/v1/logs?stack=shop&environment=default&service=wbe&tail=5')
  expect(await linesOf(response)).toEqual([
    { ok: false, code: 'SERVICE_UNKNOWN', message: 'no service wbe', hint: 'web?' },
  ])
})

test('query values are read as numbers and flags', async () => {
  const commands = scripted({})
  const api = createApi(commands, '1')
  await (await api.request('/v1/logs?stack=shop&environment=default&service=web&tail=5&follow=false')).text()
  expect(commands.calls).toEqual([
    ['logs', { stack: 'shop', environment: 'default', service: 'web', tail: 5, follow: false }],
  ])
})

test.each([
  ['not JSON', '{', 'the request is not JSON'],
  ['an unknown key', JSON.stringify({ ...upRequest, force: true }), 'the request: Unrecognized key: "force"'],
  [
    'a value of another type',
    JSON.stringify({
      ...upRequest,
      stack: {
        ...upRequest.stack,
        services: { web: { ...upRequest.stack.services.web, replicas: '3' } },
      },
    }),
    'stack.services.web.replicas: Invalid input: expected number, received string',
  ],
])('%s is refused before any command', async (_, body, message) => {
  const commands = scripted({})
  const response = await createApi(commands, '1').request('/v1/up', { method: 'POST', body })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ ok: false, code: 'USAGE', message })
  expect(commands.calls).toEqual([])
})

test('a body without end is refused', async () => {
  const response = await createApi(scripted({}), '1').request('/v1/up', {
    method: 'POST',
    body: new Uint8Array(17 * 1024 * 1024),
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'FILE_TOO_LARGE' })
})

test('an unknown route is a problem response', async () => {
  const response = await createApi(scripted({}), '1').request('/v1/exec')
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'USAGE', message: 'the API has no GET /v1/exec' })
})
