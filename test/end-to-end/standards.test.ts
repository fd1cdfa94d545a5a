/**
 * What docs/standards.md says of the CIS Docker Benchmark, held against a live fleet: every check of sections 4 and 5 of
 * docker-bench-security that a machine can decide, in words and code of our own. What the defaults do not satisfy is
 * asserted as just that.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { ContainerInspectInfo } from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { endpoints } from '../../src/engine/docker/endpoints.ts'
import { programPath } from '../../src/system/program-path.ts'
import { Scene } from './scene.ts'

const run = promisify(execFile)

interface Facts {
  readonly instances: readonly ContainerInspectInfo[]
  readonly sandboxes: readonly ContainerInspectInfo[]
  /** Of the engine: which security modules it has. */
  readonly securityOptions: readonly string[]
}

let scene: Scene
let facts: Facts

beforeAll(async () => {
  scene = await Scene.open()
  const { route: _, ...unrouted } = scene.service({ replicas: 1 })
  const services = {
    web: scene.service({ replicas: 2, tmpfs: ['/tmp'] }),
    keeper: { ...unrouted, data: { log: '/data' } },
  }
  await scene.write(stringify({ stack: scene.stack, services }))
  await scene.succeed('up')
  const inspected = (containers: readonly { readonly Id: string }[]) =>
    Promise.all(containers.map(({ Id }) => scene.engine.inspect(Id)))
  const { SecurityOptions } = await scene.engine.call<{ SecurityOptions: string[] }>('GET', '/info')
  facts = {
    instances: await inspected(await scene.instances()),
    sandboxes: (await inspected(await scene.sandboxes())).filter(({ State }) => State.Running),
    securityOptions: SecurityOptions,
  }
  expect(facts.instances).toHaveLength(3)
  expect(facts.sandboxes.length).toBeGreaterThanOrEqual(3)
})
afterAll(() => scene?.close())

type Container = ContainerInspectInfo

/** The names of those of which it does not hold. */
const except = (containers: readonly Container[], holds: (container: Container) => boolean) =>
  containers.filter((container) => !holds(container)).map(({ Name }) => Name)

const all = () => [...facts.instances, ...facts.sandboxes]
const isEmpty = (list: readonly unknown[] | null | undefined) => (list ?? []).length === 0
const hasModule = (name: string) => facts.securityOptions.some((option) => option.includes(`name=${name}`))

/** A line of /proc/PID/status: what the kernel says, whatever the engine does. */
async function kernelSays(field: string): Promise<ReadonlySet<string>> {
  const said = await Promise.all(
    all().map(async ({ State }) => {
      const status = await readFile(`/proc/${State.Pid}/status`, 'utf8')
      return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? 'nothing'
    }),
  )
  return new Set(said)
}

const isConfined = ({ AppArmorProfile }: Container) => !['', 'unconfined'].includes(AppArmorProfile)
const isLabelled = ({ ProcessLabel }: Container & { ProcessLabel?: string }) => Boolean(ProcessLabel)
const boundPorts = (each: Container) =>
  Object.values(each.NetworkSettings.Ports ?? {}).filter((bound) => !isEmpty(bound))
const isShared = ({ Propagation }: { readonly Propagation?: string }) => Propagation?.includes('shared') ?? false
const isSocket = ({ Source, Destination }: { readonly Source: string; readonly Destination: string }) =>
  [Source, Destination].some((path) => path.includes('docker.sock'))

describe('images', () => {
  test('CIS 4.1: nothing runs as root', async () => {
    expect(except(all(), ({ Config }) => !['', '0', 'root'].includes(Config.User.split(':')[0]!))).toEqual([])
    expect([...(await kernelSays('Uid'))].filter((uids) => uids.split(/\s/).includes('0'))).toEqual([])
  })

  test('CIS 4.5 is not satisfied: an image runs by its digest, and no signature is asked for', () => {
    expect(except(facts.instances, ({ Image }) => /^sha256:[0-9a-f]{64}$/.test(Image))).toEqual([])
    expect(Object.keys(process.env)).not.toContain('DOCKER_CONTENT_TRUST')
  })

  test('CIS 4.6 is not satisfied: the check of an image is turned off, and probes come from outside', () => {
    const checks = facts.instances.map(({ Config }) => Config.Healthcheck?.Test)
    expect(checks).toEqual(facts.instances.map(() => ['NONE']))
  })

  test('CIS 4.8: a set-uid program of an image gives nobody any rights', async () => {
    expect(await kernelSays('NoNewPrivs')).toEqual(new Set(['1']))
  })
})

describe('runtime', () => {
  test('CIS 5.1: nothing needs swarm mode', async () => {
    const networks = await scene.engine.networks(`repave.stack=${scene.stack}`)
    expect(networks.map(({ Scope }) => Scope)).toEqual(['local'])
    expect(except(all(), ({ Config }) => !Object.keys(Config.Labels).some((key) => key.includes('swarm')))).toEqual([])
  })

  test('CIS 5.2: AppArmor is not turned off, and applies where the machine has it', () => {
    expect(except(all(), (each) => !options(each).some((option) => option.startsWith('apparmor')))).toEqual([])
    expect(except(all(), (each) => isConfined(each) === hasModule('apparmor'))).toEqual([])
  })

  test('CIS 5.3: SELinux is not turned off, and applies where the engine has it on', () => {
    expect(except(all(), (each) => !options(each).some((option) => option.startsWith('label')))).toEqual([])
    expect(except(all(), (each) => isLabelled(each) === hasModule('selinux'))).toEqual([])
  })

  test('CIS 5.4: no capability is left', async () => {
    expect(except(all(), ({ HostConfig }) => String(HostConfig.CapDrop) === 'ALL')).toEqual([])
    expect(except(all(), ({ HostConfig }) => isEmpty(HostConfig.CapAdd as string[]))).toEqual([])
    for (const field of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb'])
      expect([field, await kernelSays(field)]).toEqual([field, new Set(['0'.repeat(16)])])
  })

  test('CIS 5.5: nothing is privileged', () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.Privileged === false)).toEqual([])
  })

  test('CIS 5.6: no folder of the host is mounted', () => {
    expect(except(all(), ({ HostConfig }) => isEmpty(HostConfig.Binds))).toEqual([])
    expect(except(all(), ({ Mounts }) => Mounts.every(({ Type }) => Type === 'volume'))).toEqual([])
  })

  test('CIS 5.7: no SSH server runs', async () => {
    for (const { Id } of all()) {
      const { Processes } = await scene.engine.call<{ Processes: string[][] }>('GET', `/containers/${Id}/top`)
      expect(Processes.flat().filter((word) => /\b(sshd|dropbear)\b/.test(word))).toEqual([])
    }
  })

  test('CIS 5.8: no privileged port of the host is mapped', () => {
    expect(except(all(), ({ HostConfig }) => hostPorts(HostConfig).every((port) => port >= 1024))).toEqual([])
  })

  test('CIS 5.9: no port is published: the router reaches instances at their own addresses', () => {
    expect(
      except(all(), ({ HostConfig }) => hostPorts(HostConfig).length === 0 && !HostConfig.PublishAllPorts),
    ).toEqual([])
  })

  test("CIS 5.10: the host's network is not shared", () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.NetworkMode !== 'host')).toEqual([])
  })

  test('CIS 5.11: memory is limited', () => {
    expect(except(all(), ({ HostConfig }) => Number(HostConfig.Memory) > 0)).toEqual([])
  })

  test('CIS 5.12: the CPU time of instances is limited', () => {
    expect(except(facts.instances, ({ HostConfig }) => Number(HostConfig.NanoCpus) > 0)).toEqual([])
  })

  test('CIS 5.12 is not satisfied for sandboxes: their program waits for ever and has no limit', async () => {
    expect(facts.sandboxes.map(({ HostConfig }) => HostConfig.NanoCpus)).toEqual(facts.sandboxes.map(() => 0))
    const states = facts.sandboxes.map(({ State }) => readFile(`/proc/${State.Pid}/status`, 'utf8'))
    for (const status of await Promise.all(states)) expect(status).toMatch(/^State:\s+S \(sleeping\)$/m)
  })

  test('CIS 5.13: the root file system is read-only', async () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.ReadonlyRootfs === true)).toEqual([])
    for (const { State } of all()) {
      const mounts = await readFile(`/proc/${State.Pid}/mounts`, 'utf8')
      expect(mounts).toMatch(/^\S+ \/ \S+ ro[, ]/m)
    }
  })

  test('CIS 5.14: containers listen at no address of the host', () => {
    expect(except(all(), (each) => boundPorts(each).length === 0)).toEqual([])
  })

  test('CIS 5.15: the engine restarts nothing by itself', () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.RestartPolicy?.Name === 'no')).toEqual([])
  })

  test('CIS 5.16: the process namespace of the host is not shared', () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.PidMode === '')).toEqual([])
  })

  test('CIS 5.17: the IPC namespace of the host is not shared', () => {
    expect(except(all(), ({ HostConfig }) => ['private', 'none'].includes(HostConfig.IpcMode ?? ''))).toEqual([])
  })

  test('CIS 5.18: no device of the host is handed in', () => {
    expect(except(all(), ({ HostConfig }) => isEmpty(HostConfig.Devices as unknown[]))).toEqual([])
  })

  test("CIS 5.19: the engine's own ulimits apply", () => {
    expect(except(all(), ({ HostConfig }) => isEmpty(HostConfig.Ulimits as unknown[]))).toEqual([])
  })

  test('CIS 5.20: no mount is shared with the host', () => {
    expect(except(all(), ({ Mounts }) => !Mounts.some(isShared))).toEqual([])
  })

  test('CIS 5.21: the host name namespace of the host is not shared', () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.UTSMode === '')).toEqual([])
  })

  test('CIS 5.22: system calls are filtered', async () => {
    expect(except(all(), (each) => !options(each).some((option) => option.startsWith('seccomp')))).toEqual([])
    expect(await kernelSays('Seccomp')).toEqual(new Set(['2']))
  })

  // Those of one that is given up are in boundary.test.ts and access.test.ts.
  test('CIS 5.23 and 5.24: nobody is in an instance that serves, with whatever rights', () => {
    expect(except(all(), ({ ExecIDs }) => isEmpty(ExecIDs as string[] | null))).toEqual([])
    const paths = Object.entries(endpoints).filter(([, { path }]) => path.includes('exec'))
    expect(paths.map(([name]) => name)).toEqual(['createExec', 'startExec', 'resizeExec', 'inspectExec'])
  })

  test('CIS 5.25: no container chooses its control group', () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.CgroupParent === '')).toEqual([])
  })

  test('CIS 5.26: no process gains further rights', async () => {
    expect(except(all(), (each) => options(each).includes('no-new-privileges'))).toEqual([])
    expect(await kernelSays('NoNewPrivs')).toEqual(new Set(['1']))
  })

  test('CIS 5.27 is not satisfied: the engine checks no health, since the controller probes from outside', async () => {
    expect(facts.instances.map(({ State }) => State.Health)).toEqual(facts.instances.map(() => undefined))
    const { services } = await scene.status()
    const probed = services.flatMap(({ instances }) => instances.map(({ state }) => state))
    expect(probed).toEqual(['ready', 'ready', 'ready'])
  })

  test('CIS 5.29: the number of processes is limited', () => {
    expect(except(all(), ({ HostConfig }) => Number(HostConfig.PidsLimit) > 0)).toEqual([])
  })

  test("CIS 5.30: nothing is in the engine's default network", () => {
    const networks = facts.sandboxes.map(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks))
    expect(networks).toEqual(facts.sandboxes.map(() => [`repave-${scene.stack}-default`]))
    expect(except(facts.instances, ({ HostConfig }) => HostConfig.NetworkMode!.startsWith('container:'))).toEqual([])
  })

  test("CIS 5.31: the host's user namespace is not asked for", () => {
    expect(except(all(), ({ HostConfig }) => HostConfig.UsernsMode === '')).toEqual([])
  })

  test("CIS 5.32: the engine's socket is mounted nowhere", () => {
    expect(except(all(), ({ Mounts }) => !Mounts.some(isSocket))).toEqual([])
  })
})

describe('beside the benchmark', () => {
  test('kernel interfaces are masked, and none of its settings is changed', () => {
    expect(except(all(), ({ HostConfig }) => !isEmpty(HostConfig.MaskedPaths))).toEqual([])
    expect(except(all(), ({ HostConfig }) => !isEmpty(HostConfig.ReadonlyPaths))).toEqual([])
    expect(except(all(), ({ HostConfig }) => isEmpty(Object.keys(HostConfig.Sysctls ?? {})))).toEqual([])
  })

  test('what is writable can not be run, holds no device and ends with the instance', async () => {
    for (const { State, HostConfig } of facts.instances) {
      const mounts = (await readFile(`/proc/${State.Pid}/mounts`, 'utf8')).split('\n')
      for (const path of Object.keys(HostConfig.Tmpfs ?? {})) {
        const mount = mounts.find((line) => line.split(' ')[1] === path)
        expect(mount).toMatch(/^tmpfs .*nosuid,nodev,noexec/)
      }
    }
  })

  test('what instances print is bounded', () => {
    const sizes = facts.instances.map(({ HostConfig }) => HostConfig.LogConfig?.Config['max-size'])
    expect(sizes).toEqual(facts.instances.map(() => '8m'))
  })

  // It enters the network of an instance from outside, and so comes last.
  test('instances do not reach each other', async () => {
    const [one, other] = facts.instances.filter(({ Config }) => Config.Labels['repave.service'] === 'web')
    const { services } = await scene.status()
    const addressOf = ({ Name }: Container) =>
      services.flatMap(({ instances }) => instances).find(({ name }) => name === Name.slice(1))!.address!
    const ask = `fetch('http://${addressOf(other!)}/', { signal: AbortSignal.timeout(2000) }).then(() => console.log('reached'), () => console.log('apart')).then(() => process.exit())`
    const path = { env: { ...process.env, PATH: programPath() } }
    expect((await fetch(`http://${addressOf(other!)}/`)).status).toBe(200)
    const { stdout } = await run('nsenter', ['-t', `${one!.State.Pid}`, '-n', process.execPath, '-e', ask], path)
    expect(stdout.trim()).toBe('apart')
  })
})

function options({ HostConfig }: Container): readonly string[] {
  return (HostConfig.SecurityOpt as string[] | null) ?? []
}

function hostPorts({ PortBindings }: Container['HostConfig']): readonly number[] {
  const bindings = Object.values((PortBindings ?? {}) as Record<string, { HostPort: string }[] | null>)
  return bindings.flatMap((each) => (each ?? []).map(({ HostPort }) => Number(HostPort)))
}
