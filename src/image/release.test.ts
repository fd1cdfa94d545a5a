import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PreparedImage } from '../engine/engine.ts'
import type { ServiceSpec, Stack } from '../model/stack.ts'
import { versionId } from '../model/version.ts'
import { toRelease, toVersionSpec } from './release.ts'

const image: PreparedImage = {
  digest: `sha256:${'1'.repeat(64)}`,
  entrypoint: ['/entry'],
  command: ['serve'],
  environment: { PATH: '/bin', MODE: 'image' },
  user: '',
  workingDirectory: '',
  volumes: [],
  labels: {},
}

const service: ServiceSpec = {
  image: { kind: 'reference', reference: 'nginx:1.27' },
  environment: { MODE: 'ours' },
  port: 80,
  routes: [],
  health: { kind: 'tcp', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 1000, memoryBytes: 1024 ** 3, pids: 64 },
  tmpfs: ['/tmp'],
  replicas: 1,
  rollout: {
    strategy: 'rolling',
    maxSurge: { kind: 'count', count: 1 },
    maxUnavailable: { kind: 'count', count: 0 },
    deadlineMs: 1000,
  },
  drainMs: 1000,
}

const specOf = (ours: Partial<ServiceSpec>, theirs: Partial<PreparedImage> = {}) =>
  toVersionSpec('web', { ...service, ...ours }, { ...image, ...theirs })

test('what the image decides is spelled out, and what the stack says comes first', () => {
  expect(specOf({})).toEqual({
    image: image.digest,
    command: ['/entry', 'serve'],
    workingDirectory: '/',
    environment: { PATH: '/bin', MODE: 'ours' },
    user: '65532:65532',
    port: 80,
    health: service.health,
    resources: service.resources,
    tmpfs: ['/tmp'],
    hardening: { readOnlyRoot: true, noNewPrivileges: true, capabilities: [] },
  })
  expect(specOf({ command: ['/other'] }).command).toEqual(['/other'])
  expect(specOf({}, { workingDirectory: 'app' }).workingDirectory).toBe('/app')
  expect(specOf({}, { volumes: ['/var/lib/data/', '/tmp', '/'] }).tmpfs).toEqual(['/tmp', '/var/lib/data'])
})

test('data are part of a version, and take the place of the volumes that an image declares', () => {
  const data = { tables: '/var/lib/db' }
  expect(specOf({ data }, { volumes: ['/var/lib/db/', '/run/db'] })).toMatchObject({ data, tmpfs: ['/run/db', '/tmp'] })
  expect(versionId(specOf({ data }))).not.toBe(versionId(specOf({})))
  expect(specOf({})).not.toHaveProperty('data')
})

test('no tmpfs hides a part of the data', () => {
  const data = { tables: '/var/lib/db' }
  expect(() => specOf({ data }, { volumes: ['/var/lib/db/files'] })).toThrow(
    expect.objectContaining({
      code: 'IMAGE_INVALID',
      hint: expect.stringContaining('services.web.data.tables: /var/lib/db/files'),
      about: ['services', 'web', 'data', 'tables'],
    }),
  )
  expect(specOf({ data }, { volumes: ['/var/lib', '/var/lib/db2'] }).tmpfs).toEqual([
    '/tmp',
    '/var/lib',
    '/var/lib/db2',
  ])
})

test('what goes with the rollout is in the release where it was asked for', () => {
  const asked = {
    standby: 1,
    dependsOn: ['db'],
    history: 5,
    rehearsal: { everyMs: 60_000 },
  } satisfies Partial<ServiceSpec>
  const stack: Stack = {
    stack: 'shop',
    environment: 'default',
    services: { web: { ...service, ...asked }, db: service },
    rollback: 'service',
  }
  const release = toRelease(stack, { web: { ...image, labels: { team: 'shop' } }, db: image })
  expect(release).toMatchObject({ rollback: 'service', services: { web: { ...asked, labels: { team: 'shop' } } } })
  expect(Object.keys(release.services.db ?? {}).toSorted()).toEqual(
    ['version', 'spec', 'imageName', 'replicas', 'routes', 'rollout', 'drainMs'].toSorted(),
  )
})

test.each([
  ['', undefined, '65532:65532'],
  ['root', undefined, '65532:65532'],
  ['0:0', undefined, '65532:65532'],
  ['00', undefined, '65532:65532'],
  ['root:adm', undefined, '65532:65532'],
  ['www-data', undefined, 'www-data'],
  ['1000:0', undefined, '1000:0'],
  ['www-data', '0', '0'],
  ['', '1000', '1000'],
])('an image of user %j, with the stack saying %j, runs as %j', (theirs, ours, expected) => {
  expect(specOf(ours === undefined ? {} : { user: ours }, { user: theirs }).user).toBe(expected)
})

test('an image that does not say what to run needs a command', () => {
  const silent = { entrypoint: [], command: [] }
  expect(() => specOf({}, silent)).toThrow(
    expect.objectContaining({ code: 'IMAGE_INVALID', hint: expect.stringContaining('services.web.command') }),
  )
  expect(specOf({ command: ['/x'] }, silent).command).toEqual(['/x'])
})

test('a version has the same id in whatever order its keys were written', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[A-Z]{1,5}$/), fc.string({ unit: 'grapheme' })), {
    selector: ([key]) => key,
  })
  fc.assert(
    fc.property(entries, (pairs) => {
      const forwards = specOf({ environment: Object.fromEntries(pairs) })
      const backwards = specOf({ environment: Object.fromEntries(pairs.toReversed()) })
      expect(versionId(backwards)).toBe(versionId(forwards))
    }),
  )
})

test('how many run, where, and how they are rolled out is no part of the version', () => {
  const release = (ours: Partial<ServiceSpec>) => {
    const stack: Stack = { stack: 'shop', environment: 'default', services: { web: { ...service, ...ours } } }
    return toRelease(stack, { web: image }).services.web
  }
  const changed: Partial<ServiceSpec> = {
    replicas: 9,
    drainMs: 5,
    routes: [{ listen: { address: '0.0.0.0', port: 1 }, path: '/' }],
    rollout: { ...service.rollout, deadlineMs: 5 },
  }
  expect(release(changed)).toEqual({ ...release({}), ...changed })
  expect(release({ environment: {} })?.version).not.toBe(release({})?.version)
})

test('an image is called what people call it', () => {
  const build = {
    kind: 'build',
    dockerfile: '/home/me/shop/web/Dockerfile',
    context: '/home/me/shop/web',
    arguments: {},
  } as const
  const stack: Stack = {
    stack: 'shop',
    environment: 'default',
    services: { web: service, built: { ...service, image: build } },
  }
  const { services } = toRelease(stack, { web: image, built: image })
  expect([services.web?.imageName, services.built?.imageName]).toEqual(['nginx:1.27', 'web/Dockerfile'])
})

test('who is told is in the release, and a release without that has the id that it always had', () => {
  const stack: Stack = { stack: 'shop', environment: 'default', services: { web: service } }
  const notifications = [{ url: 'https://a', secretFile: '/key' }]
  const [without, told] = [toRelease(stack, { web: image }), toRelease({ ...stack, notifications }, { web: image })]
  expect(without).not.toHaveProperty('notifications')
  expect(told).toEqual({ ...without, notifications })
  expect(told.services.web?.version).toBe(without.services.web?.version)
})
