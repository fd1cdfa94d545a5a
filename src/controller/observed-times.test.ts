import { beforeEach, expect, test } from 'vitest'
import type { ServiceRelease } from '../model/release.ts'
import { defaultHardening, type Health } from '../model/version.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { observedTimes } from './observed-times.ts'

const key = { stack: 'shop', environment: 'production', service: 'web' }
const timing = { intervalMs: 2_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 }

function released(changes: Partial<ServiceRelease> = {}, health: Health = { kind: 'tcp', ...timing }): ServiceRelease {
  return {
    version: 'a'.repeat(64),
    imageName: 'web:1',
    replicas: 3,
    routes: [{ listen: { address: '*', port: 8080 }, path: '/' }],
    rollout: {
      strategy: 'rolling',
      maxSurge: { kind: 'count', count: 1 },
      maxUnavailable: { kind: 'count', count: 0 },
      deadlineMs: 60_000,
    },
    drainMs: 10_000,
    spec: {
      image: 'sha256:1111',
      command: ['/web'],
      workingDirectory: '/',
      environment: {},
      user: '1000',
      port: 8080,
      health,
      resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
      tmpfs: [],
      hardening: defaultHardening,
    },
    ...changes,
  }
}

let store: Store
let atMs = 1_000_000

beforeEach(() => {
  store = createMemoryStore()
})

/** Records an effect that takes `ms`. */
async function effect(kind: string, ms: number, instance: string, service = 'web'): Promise<void> {
  const subject = { ...key, service, instance, by: 'repave', message: '' }
  const { sequence } = await store.append({ ...subject, kind: `${kind}.intent`, atMs })
  atMs += ms
  await store.append({ ...subject, kind: `${kind}.done`, atMs, operation: sequence })
}

interface Life {
  readonly createMs?: number
  readonly healthyMs?: number
  readonly drainMs?: number
  readonly endMs?: number
}

async function birth(instance: string, { createMs = 300, healthyMs = 700 }: Life = {}, service = 'web'): Promise<void> {
  await effect('create', createMs, instance, service)
  await effect('start', 0, instance, service)
  atMs += healthyMs
  await effect('route', 1, instance, service)
}

async function death(instance: string, { drainMs = 100, endMs = 200 }: Life = {}, service = 'web'): Promise<void> {
  await effect('unroute', drainMs, instance, service)
  await effect('destroy', endMs, instance, service)
}

const observed = (release = released()) => observedTimes(key, release, store)

test('before anything was seen, something is assumed, and said', async () => {
  expect(await observed()).toEqual({
    times: { makeMs: 100, createMs: 500, healthyMs: 500, drainMs: 0, destroyMs: 0 },
    assumptions: [
      { what: 'start', ms: 1_000, basis: 'no start was observed yet: 1 s is assumed' },
      { what: 'drain', ms: 0, basis: 'no drain was observed yet: 0 s is assumed' },
      { what: 'end', ms: 0, basis: 'no end was observed yet: 0 s is assumed' },
    ],
  })
})

test('the medians of what was seen count', async () => {
  for (const healthyMs of [500, 700, 20_000]) await birth(`web-${healthyMs}`, { healthyMs })
  await death('web-500')
  expect(await observed()).toEqual({
    times: { makeMs: 300, createMs: 300, healthyMs: 700, drainMs: 100, destroyMs: 200 },
    assumptions: [
      { what: 'start', ms: 1_000, basis: 'median of 3 starts observed' },
      { what: 'drain', ms: 100, basis: 'one drain observed' },
      { what: 'end', ms: 200, basis: 'one end observed' },
    ],
  })
})

test('the newest twenty are enough', async () => {
  for (let count = 0; count < 15; count++) await birth('web-1', { healthyMs: 5_000 })
  for (let count = 0; count < 20; count++) await birth('web-1', { healthyMs: 700 })
  const { assumptions } = await observed()
  expect(assumptions[0]).toEqual({ what: 'start', ms: 1_000, basis: 'median of 20 starts observed' })
})

test('those of other services serve where the service has none of its own', async () => {
  await birth('api-1', { createMs: 400 }, 'api')
  await death('api-1', {}, 'api')
  await death('web-1', { drainMs: 5_000 })
  const { times, assumptions } = await observed()
  expect(times).toEqual({ makeMs: 400, createMs: 400, healthyMs: 700, drainMs: 5_000, destroyMs: 200 })
  expect(assumptions.map(({ basis }) => basis)).toEqual([
    'one start of other services observed',
    'one drain observed',
    'one end observed',
  ])
})

test('a standby that stepped in long after its start says nothing of starts', async () => {
  await birth('web-1')
  await birth('web-2', { healthyMs: 3_600_000 })
  expect((await observed()).assumptions[0]).toMatchObject({ ms: 1_000, basis: 'one start observed' })
})

test('the wait of one that is made ahead is no part of its start', async () => {
  await effect('create', 300, 'web-1')
  atMs += 60_000
  await effect('start', 200, 'web-1')
  atMs += 500
  await effect('route', 1, 'web-1')
  expect((await observed()).times).toMatchObject({ makeMs: 300, createMs: 500, healthyMs: 500 })
})

test('an instance that was never routed, or whose creation is forgotten, counts for nothing', async () => {
  await effect('create', 300, 'web-1')
  await effect('route', 1, 'web-2')
  expect((await observed()).assumptions[0]).toMatchObject({ basis: 'no start was observed yet: 1 s is assumed' })
})

test('a process without routes is healthy once it has lived for its interval', async () => {
  await effect('create', 300, 'web-1')
  await effect('start', 100, 'web-1')
  const { times } = await observed(released({ routes: [] }, { kind: 'process', ...timing }))
  expect(times).toMatchObject({ createMs: 400, healthyMs: 2_000 })
})
