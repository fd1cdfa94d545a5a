import { expect, test } from 'vitest'
import type { Release, ServiceRelease } from '../model/release.ts'
import { defaultHardening, type VersionSpec, versionId } from '../model/version.ts'
import type { FleetInstance } from './fleet.ts'
import { planRelease } from './plan.ts'

const scope = { stack: 'shop', environment: 'production' }
const spec: VersionSpec = {
  image: 'sha256:1111',
  command: ['/web'],
  workingDirectory: '/',
  environment: { LOG_LEVEL: 'info' },
  user: '1000',
  port: 8080,
  health: { kind: 'tcp', intervalMs: 1_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  hardening: defaultHardening,
}

function service(changes: Partial<ServiceRelease> = {}, specChanges: Partial<VersionSpec> = {}): ServiceRelease {
  const changed = { ...spec, ...specChanges }
  return {
    version: versionId(changed),
    spec: changed,
    imageName: 'web:1',
    replicas: 1,
    routes: [{ listen: { address: '*', port: 8080 }, path: '/' }],
    rollout: {
      strategy: 'rolling',
      maxSurge: { kind: 'share', share: 0.25 },
      maxUnavailable: { kind: 'count', count: 0 },
      deadlineMs: 60_000,
    },
    drainMs: 10_000,
    ...changes,
  }
}

const release = (web?: ServiceRelease): Release => ({ ...scope, services: web ? { web } : {} })

function serving(name: string, { version }: ServiceRelease): FleetInstance {
  const state = {
    intact: true,
    phase: 'running',
    health: 'healthy',
    rotation: 'in',
    createdAtMs: 1,
    condemned: false,
    ending: false,
  } as const
  return { name, version, ...state }
}

test('another name for the same image, and what it says of itself, is no difference', () => {
  const before = service()
  const renamed = service({ imageName: 'web:stable', labels: { team: 'shop' } })
  expect(planRelease({ services: { web: before }, instances: {} }, release(renamed)).services[0]?.differences).toEqual(
    [],
  )
  const changed = service({ imageName: 'web:2' }, { image: 'sha256:2222' })
  expect(planRelease({ services: { web: before }, instances: {} }, release(changed)).services[0]?.differences).toEqual([
    'image: "sha256:1111" → "sha256:2222"',
  ])
})

const steps = (before: ServiceRelease | undefined, names: readonly string[], after: ServiceRelease | undefined) =>
  planRelease(
    {
      services: release(before).services,
      instances: { web: before ? names.map((name) => serving(name, before)) : [] },
    },
    release(after),
  )

test('a new service is routed, created and taken into rotation', () => {
  const next = service()
  const name = `shop-production-web-${next.version.slice(0, 8)}-1`
  expect(steps(undefined, [], next)).toEqual({
    ...scope,
    changes: 3,
    services: [
      {
        service: 'web',
        current: null,
        next: `web@${next.version.slice(0, 8)}`,
        differences: [],
        steps: [
          { kind: 'route', reason: 'http://localhost:8080/ is new' },
          { kind: 'create', instance: name, reason: '1 are wanted' },
          { kind: 'route', instance: name, reason: 'healthy' },
        ],
      },
    ],
  })
})

test('a changed line replaces the instance, and says which line', () => {
  const before = service()
  const after = service({}, { environment: { LOG_LEVEL: 'debug' } })
  const [plan] = steps(before, ['old-1'], after).services
  expect(plan?.differences).toEqual(['environment.LOG_LEVEL: "info" → "debug"'])
  expect(plan?.steps.map(({ kind }) => kind)).toEqual(['create', 'route', 'unroute', 'destroy'])
  expect(plan?.steps[0]?.reason).toBe('1 are wanted: environment.LOG_LEVEL: "info" → "debug"')
})

test('nothing changed is no step', () => {
  expect(steps(service(), ['old-1'], service()).changes).toBe(0)
})

test('a policy that changes no instance still counts as a change', () => {
  const plan = steps(service(), ['old-1'], service({ drainMs: 20_000 }))
  expect(plan.services[0]).toMatchObject({ steps: [], differences: ['drainMs: 10000 → 20000'] })
  expect(plan.changes).toBe(1)
})

test('a service that is left out goes away with its route', () => {
  const [plan] = steps(service(), ['old-1'], undefined).services
  expect(plan?.next).toBeNull()
  expect(plan?.steps.map(({ kind, instance }) => [kind, instance])).toEqual([
    ['unroute', undefined],
    ['unroute', 'old-1'],
    ['destroy', 'old-1'],
  ])
})

test('scaling leaves the others alone', () => {
  const up = steps(service(), ['old-1'], service({ replicas: 3 }))
  expect(up.services[0]?.steps.map(({ kind }) => kind)).toEqual(['create', 'create', 'route', 'route'])
  const down = steps(service({ replicas: 3 }), ['old-1', 'old-2', 'old-3'], service())
  expect(down.services[0]?.steps.map(({ kind, instance }) => `${kind} ${instance}`)).toEqual([
    'unroute old-2',
    'unroute old-3',
    'destroy old-2',
    'destroy old-3',
  ])
})
