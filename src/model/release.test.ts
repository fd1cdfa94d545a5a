import { expect, test } from 'vitest'
import { isSameRelease, isSameService, type Release, type ServiceRelease } from './release.ts'
import { defaultHardening } from './version.ts'

const web: ServiceRelease = {
  version: 'a'.repeat(64),
  spec: {
    image: 'sha256:1111',
    command: ['/web'],
    workingDirectory: '/',
    environment: {},
    user: '1000',
    port: 80,
    health: { kind: 'tcp', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 },
    resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
    tmpfs: [],
    hardening: defaultHardening,
  },
  imageName: 'web:1',
  replicas: 2,
  routes: [],
  rollout: {
    strategy: 'rolling',
    maxSurge: { kind: 'count', count: 1 },
    maxUnavailable: { kind: 'count', count: 0 },
    deadlineMs: 60_000,
  },
  drainMs: 1000,
}

const release: Release = { stack: 'shop', environment: 'default', services: { web } }

test('what people call an image, and its labels, make no other service', () => {
  expect(isSameService(web, { ...web, imageName: 'web:2', labels: { team: 'shop' } })).toBe(true)
  expect(isSameService(web, { ...web, standby: 1 })).toBe(false)
  expect(isSameService(web, { ...web, rollout: { ...web.rollout, strategy: 'recreate' } })).toBe(false)
  expect(isSameService(web, undefined)).toBe(false)
})

test('what a failed rollout takes back makes another release', () => {
  expect(isSameRelease(release, { ...release, services: { web: { ...web, imageName: 'web:2' } } })).toBe(true)
  expect(isSameRelease(release, { ...release, rollback: 'service' })).toBe(false)
  const notifications = [{ url: 'https://a', secretFile: '/key' }]
  expect(isSameRelease(release, { ...release, notifications })).toBe(false)
  expect(isSameRelease({ ...release, notifications }, { ...release, notifications: [...notifications] })).toBe(true)
  expect(isSameRelease(release, { ...release, notifications: [] })).toBe(true)
  expect(isSameRelease(release, { ...release, services: { web, db: web } })).toBe(false)
})
