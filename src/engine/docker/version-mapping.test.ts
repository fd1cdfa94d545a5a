import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultHardening, versionId, type Health, type VersionId, type VersionSpec } from '../../model/version.ts'
import type { InstanceOrder } from '../engine.ts'
import { containerRecord, type ContainerBody, type ContainerRecord } from './container-record.ts'
import { instanceBody, runningSpec, runningVersion } from './version-mapping.ts'

const timing = { intervalMs: 1000, timeoutMs: 500, healthyAfter: 2, unhealthyAfter: 3 }
const spec: VersionSpec = {
  image: `sha256:${'a1'.repeat(32)}`,
  command: ['/usr/bin/web', '--port', '8080'],
  workingDirectory: '/srv',
  environment: { LOG_LEVEL: 'info', EMPTY: '' },
  user: '1000:1000',
  port: 8080,
  health: { kind: 'http', path: '/healthz', ...timing },
  resources: { cpuMillis: 500, memoryBytes: 134_217_728, pids: 64 },
  tmpfs: ['/run/web', '/tmp'],
  hardening: { ...defaultHardening, capabilities: ['NET_BIND_SERVICE'] },
}
const place = { owner: '/var/lib/repave', sandboxId: 'f00d', imageVariables: ['PATH', 'LOG_LEVEL'] }

describe('the body that creates an instance', () => {
  test('says everything that the version says, and closes everything else', () => {
    expect(instanceBody(orderFor(spec), place)).toEqual({
      Image: `sha256:${'a1'.repeat(32)}`,
      Entrypoint: ['/usr/bin/web', '--port', '8080'],
      Cmd: [],
      Env: ['LOG_LEVEL=info', 'EMPTY=', 'PATH'],
      WorkingDir: '/srv',
      User: '1000:1000',
      Labels: {
        'repave.owner': '/var/lib/repave',
        'repave.role': 'instance',
        'repave.stack': 'shop',
        'repave.environment': 'staging',
        'repave.instance': 'shop-staging-web-1',
        'repave.service': 'web',
        'repave.version': versionId(spec),
        'repave.probe':
          '{"health":{"healthyAfter":2,"intervalMs":1000,"kind":"http","path":"/healthz","timeoutMs":500,"unhealthyAfter":3},"port":8080}',
      },
      Healthcheck: { Test: ['NONE'] },
      HostConfig: {
        NetworkMode: 'container:f00d',
        NanoCpus: 500_000_000,
        Memory: 134_217_728,
        MemorySwap: 134_217_728,
        PidsLimit: 64,
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        CapAdd: ['NET_BIND_SERVICE'],
        SecurityOpt: ['no-new-privileges'],
        IpcMode: 'private',
        CgroupnsMode: 'private',
        Tmpfs: {
          '/run/web': 'rw,noexec,nosuid,nodev,mode=1777,size=67108864',
          '/tmp': 'rw,noexec,nosuid,nodev,mode=1777,size=67108864',
        },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '8m', 'max-file': '2' } },
        RestartPolicy: { Name: 'no' },
        AutoRemove: false,
      },
    })
  })
})

describe('the body that creates an instance with data', () => {
  test('mounts a volume of the service at each path, without what the image has there', () => {
    const body = instanceBody(orderFor({ ...spec, data: { uploads: '/srv/uploads' } }), place)
    expect(body.HostConfig.Mounts).toEqual([
      {
        Type: 'volume',
        Source: 'shop-staging-web-uploads',
        Target: '/srv/uploads',
        VolumeOptions: {
          NoCopy: true,
          Labels: {
            'repave.owner': '/var/lib/repave',
            'repave.role': 'volume',
            'repave.stack': 'shop',
            'repave.environment': 'staging',
            'repave.service': 'web',
            'repave.data': 'uploads',
            'repave.making': 'shop-staging-web-1',
          },
          DriverConfig: { Name: 'local', Options: {} },
        },
      },
    ])
  })
})

describe('the version of a running container', () => {
  test('is the one that it was created by, whatever that is', () => {
    fc.assert(
      fc.property(anySpec, fc.array(fc.stringMatching(/^[A-Z_]{1,8}$/)), (any, imageVariables) => {
        const body = instanceBody(orderFor(any), { ...place, imageVariables })
        expect(runningSpec(inspected(body))).toEqual(any)
        expect(runningVersion(inspected(body))).toBe(versionId(any))
      }),
    )
  })

  test('does not depend on what the engine adds', () => {
    const container = inspected(instanceBody(orderFor(spec), place))
    const Env = [...container.Config.Env, 'FROM_IMAGE']
    const CapAdd = ['CAP_NET_BIND_SERVICE']
    const same = { ...container, Config: { ...container.Config, Env }, HostConfig: { ...container.HostConfig, CapAdd } }
    expect(runningVersion(same)).toBe(versionId(spec))
  })

  const otherVersions: Readonly<Record<string, Change>> = {
    'more memory': { HostConfig: { Memory: 268_435_456, MemorySwap: 268_435_456 } },
    'more processes': { HostConfig: { PidsLimit: 65 } },
    'no limit on processes': { HostConfig: { PidsLimit: null } },
    'more CPU': { HostConfig: { NanoCpus: 500_000_001 } },
    'a writable root': { HostConfig: { ReadonlyRootfs: false } },
    'new privileges': { HostConfig: { SecurityOpt: [] } },
    'another capability': { HostConfig: { CapAdd: ['NET_BIND_SERVICE', 'SYS_ADMIN'] } },
    'another variable': { Config: { Env: ['LOG_LEVEL=debug', 'EMPTY='] } },
    'another user': { Config: { User: '0' } },
    'another image': { Image: `sha256:${'b2'.repeat(32)}` },
    'another argument': { Args: ['--port', '8081'] },
  }
  test.each(Object.entries(otherVersions))('is another one with %s', (_, change) => {
    const version = runningVersion(changed(change))
    expect(version === undefined || version !== versionId(spec)).toBe(true)
  })

  const noVersions: Readonly<Record<string, Change>> = {
    'all privileges': { HostConfig: { Privileged: true } },
    'a mount': { Mounts: [{ Type: 'bind', Source: '/', Destination: '/host' }] },
    'a bind': { HostConfig: { Binds: ['/:/host'] } },
    'no seccomp filter': { HostConfig: { SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] } },
    'capabilities that are not dropped': { HostConfig: { CapDrop: [] } },
    "the host's processes": { HostConfig: { PidMode: 'host' } },
    "the host's network": { HostConfig: { NetworkMode: 'host' } },
    'shared memory of others': { HostConfig: { IpcMode: 'host' } },
    'a device': { HostConfig: { Devices: [{ PathOnHost: '/dev/sda' }] } },
    'swap beyond its memory': { HostConfig: { MemorySwap: 268_435_456 } },
    'executable writable places': { HostConfig: { Tmpfs: { '/tmp': 'rw,exec' } } },
    'nothing masked': { HostConfig: { MaskedPaths: [] } },
    'a restart policy': { HostConfig: { RestartPolicy: { Name: 'always' } } },
    'a terminal': { Config: { Tty: true } },
    'a published port': { HostConfig: { PortBindings: { '8080/tcp': [{ HostPort: '80' }] } } },
    'CPU shares': { HostConfig: { CpuShares: 2048 } },
    'no probe': { Config: { Labels: {} } },
    'a probe that is none': { Config: { Labels: { 'repave.probe': '{"port":8080,"health":{"kind":"magic"}}' } } },
  }
  test.each(Object.entries(noVersions))('is none with %s', (_, change) => {
    expect(runningVersion(changed(change))).toBeUndefined()
  })
})

describe('the version of a container with data', () => {
  const mount = {
    Type: 'volume',
    Name: 'shop-staging-web-uploads',
    Driver: 'local',
    Destination: '/srv/uploads',
    RW: true,
  }
  const version = versionId({ ...spec, data: { uploads: '/srv/uploads' } })
  test('is the one that names them, and another without them', () => {
    expect(versionWith(mount)).toBe(version)
    expect(versionWith()).toBe(versionId(spec))
    expect(versionId(spec)).not.toBe(version)
  })

  test('is another one with one more, another one, or another place', () => {
    expect(versionWith(mount, { ...mount, Name: 'shop-staging-web-index', Destination: '/index' })).not.toBe(version)
    expect(versionWith({ ...mount, Name: 'shop-staging-web-index' })).not.toBe(version)
    expect(versionWith({ ...mount, Destination: '/srv' })).not.toBe(version)
  })

  const noVersions: Readonly<Record<string, readonly object[]>> = {
    'a volume of another service': [{ ...mount, Name: 'shop-staging-api-uploads' }],
    'a volume without a name': [{ ...mount, Name: 'ab'.repeat(32) }],
    'a volume that can only be read': [{ ...mount, RW: false }],
    'a volume of another driver': [{ ...mount, Driver: 'nfs' }],
    'a bind': [{ ...mount, Type: 'bind' }],
    'a volume in two places': [mount, { ...mount, Destination: '/srv/again' }],
  }
  test.each(Object.entries(noVersions))('is none with %s', (_, mounts) => {
    expect(versionWith(...mounts)).toBeUndefined()
  })

  test('is none where the engine mounted something else than it was asked to', () => {
    expect(runningVersion(changed({ Mounts: [mount] }))).toBeUndefined()
  })
})

function orderFor(anySpec: VersionSpec): InstanceOrder {
  const version = versionId(anySpec)
  return { stack: 'shop', environment: 'staging', service: 'web', name: 'shop-staging-web-1', version, spec: anySpec }
}

/** What Docker 20.10 shows of a container that was created with `body`. */
function inspected(body: ContainerBody): ContainerRecord {
  const [Path, ...Args] = body.Entrypoint
  return containerRecord.parse({
    Id: 'c0ffee',
    Name: '/shop-staging-web-1',
    Created: '2026-01-01T00:00:00.123456789Z',
    Path,
    Args,
    Image: body.Image,
    State: { Status: 'running', Running: true, Pid: 1, ExitCode: 0, StartedAt: '', FinishedAt: '' },
    Config: { Env: body.Env, User: body.User, WorkingDir: body.WorkingDir, Labels: body.Labels },
    Mounts: body.HostConfig.Mounts?.map(({ Type, Source, Target }) => ({
      Type,
      Name: Source,
      Source: `/var/lib/docker/volumes/${Source}/_data`,
      Destination: Target,
      Driver: 'local',
      Mode: 'z',
      RW: true,
      Propagation: '',
    })),
    HostConfig: {
      Binds: null,
      PortBindings: null,
      Privileged: false,
      PidMode: '',
      OomScoreAdj: 0,
      MaskedPaths: ['/proc/kcore'],
      ReadonlyPaths: ['/proc/sys'],
      ...body.HostConfig,
    },
  })
}

interface Change {
  readonly [key: string]: unknown
  readonly Config?: object
  readonly HostConfig?: object
}

function changed({ Config, HostConfig, ...rest }: Change): ContainerRecord {
  const container = inspected(instanceBody(orderFor(spec), place))
  return containerRecord.parse({
    ...container,
    NetworkSettings: undefined,
    ...rest,
    Config: { ...container.Config, ...Config },
    HostConfig: { ...container.HostConfig, ...HostConfig },
  })
}

function versionWith(...mounts: readonly object[]): VersionId | undefined {
  return runningVersion(changed({ Mounts: mounts, HostConfig: { Mounts: mounts } }))
}

const count = fc.integer({ min: 1, max: 1_000_000 })
const anyTiming = { intervalMs: count, timeoutMs: count, healthyAfter: count, unhealthyAfter: count }
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const path = fc.stringMatching(/^\/[a-z0-9._-]{1,10}$/)
const anyHealth: fc.Arbitrary<Health> = fc.oneof(
  fc.record({ kind: fc.constant('http' as const), path: text, ...anyTiming }),
  fc.record({ kind: fc.constant('tcp' as const), ...anyTiming }),
  fc.record({ kind: fc.constant('process' as const), ...anyTiming }),
)
const anyData = fc.dictionary(fc.stringMatching(/^[a-z0-9-]{1,8}$/), path, { minKeys: 1, noNullPrototype: true })
const anyPlainSpec: fc.Arbitrary<VersionSpec> = fc.record({
  image: fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const),
  command: fc.array(text, { minLength: 1, maxLength: 4 }),
  workingDirectory: path,
  environment: fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), text, { noNullPrototype: true }),
  user: fc.constantFrom('65532', '1000:1000', 'web'),
  port: fc.option(fc.integer({ min: 1, max: 65_535 })),
  health: anyHealth,
  resources: fc.record({ cpuMillis: count, memoryBytes: count, pids: count }),
  tmpfs: fc.uniqueArray(path, { maxLength: 3 }).map((paths) => paths.toSorted()),
  hardening: fc.record({
    readOnlyRoot: fc.boolean(),
    noNewPrivileges: fc.boolean(),
    capabilities: fc.subarray(['CHOWN', 'NET_BIND_SERVICE', 'SETUID']),
  }),
})
const anySpec = fc
  .record({ plain: anyPlainSpec, data: fc.option(anyData) })
  .map(({ plain, data }) => (data === null ? plain : { ...plain, data }))
