/** A version as Docker's settings, and Docker's settings as a version: the two are each other's inverse. */
import { versionId, type VersionId, type VersionSpec } from '../../model/version.ts'
import { dataVolumeName, type InstanceOrder } from '../engine.ts'
import type { ContainerBody, ContainerRecord } from './container-record.ts'
import { fleetOf, instanceLabels, probeOf, volumeLabels } from './labels.ts'

export interface InstancePlace {
  readonly owner: string
  /** The container whose network namespace the instance joins. */
  readonly sandboxId: string
  /** Names of the environment variables that the image sets. */
  readonly imageVariables: readonly string[]
}

/** The body of `POST /containers/create` for an order. */
export function instanceBody(order: InstanceOrder, place: InstancePlace): ContainerBody {
  const { spec } = order
  return {
    Image: spec.image,
    Entrypoint: [...spec.command],
    Cmd: [],
    Env: environmentList(spec.environment, place.imageVariables),
    WorkingDir: spec.workingDirectory,
    User: spec.user,
    Labels: { ...instanceLabels(place.owner, order) },
    // An image's own check would run as exec inside of the instance; probes come from outside.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: `container:${place.sandboxId}`,
      ...limits(spec),
      ...hardening(spec),
      Tmpfs: Object.fromEntries(spec.tmpfs.map((path) => [path, tmpfsOptions(spec)])),
      ...(spec.data && { Mounts: dataMounts(order, spec.data, place.owner) }),
      LogConfig: boundedLog,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
    },
  }
}

/** Two files of this size are kept of an instance's output. */
export const boundedLog = { Type: 'json-file', Config: { 'max-size': '8m', 'max-file': '2' } }

/** A name without `=` takes the image's variable away. */
function environmentList(environment: VersionSpec['environment'], imageVariables: readonly string[]): string[] {
  const unwanted = imageVariables.filter((name) => !Object.hasOwn(environment, name))
  return [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...unwanted]
}

/** No swap: a limit on memory is a limit on memory. */
function limits({ resources }: VersionSpec) {
  return {
    NanoCpus: resources.cpuMillis * nanosPerMilli,
    Memory: resources.memoryBytes,
    MemorySwap: resources.memoryBytes,
    PidsLimit: resources.pids,
  }
}

const nanosPerMilli = 1_000_000

/** The engine's default seccomp profile and masked paths apply as long as nothing is said about them. */
function hardening({ hardening: { readOnlyRoot, noNewPrivileges, capabilities } }: VersionSpec) {
  return {
    ReadonlyRootfs: readOnlyRoot,
    CapDrop: ['ALL'],
    CapAdd: [...capabilities],
    SecurityOpt: noNewPrivileges ? [noNewPrivilegesOption] : [],
    IpcMode: 'private',
    CgroupnsMode: 'private' as const,
  }
}

const noNewPrivilegesOption = 'no-new-privileges'

/** Its content counts as the instance's memory; half of that, so that a full one says so before the kernel kills. */
function tmpfsOptions({ resources }: VersionSpec): string {
  return `rw,noexec,nosuid,nodev,mode=1777,size=${Math.floor(resources.memoryBytes / 2)}`
}

/**
 * The image's own content at that place stays out, so that data begins empty whatever image made it. The labels count
 * where the volume was removed since it was made: the engine then makes it anew.
 */
function dataMounts(order: InstanceOrder, data: Readonly<Record<string, string>>, owner: string) {
  return Object.entries(data).map(([name, path]) => ({
    Type: 'volume' as const,
    Source: dataVolumeName(order, name),
    Target: path,
    VolumeOptions: {
      NoCopy: true,
      Labels: { ...volumeLabels(owner, order, name, order.name) },
      DriverConfig: { Name: volumeDriver, Options: {} },
    },
  }))
}

const volumeDriver = 'local'

/** The version that a container really runs; undefined where its settings are none that a version could ask for. */
export function runningVersion(container: ContainerRecord): VersionId | undefined {
  const spec = runningSpec(container)
  if (spec === undefined) return undefined
  try {
    return versionId(spec)
  } catch {
    // Text that has no canonical form: not something that a version could hold.
    return undefined
  }
}

export function runningSpec(container: ContainerRecord): VersionSpec | undefined {
  const { Config: config, HostConfig: host } = container
  const probe = probeOf(config.Labels)
  const data = dataOf(container)
  if (probe === undefined || data === undefined) return undefined
  const spec: VersionSpec = {
    image: container.Image,
    command: [container.Path, ...container.Args],
    workingDirectory: config.WorkingDir,
    environment: environmentOf(config.Env),
    user: config.User,
    port: probe.port,
    health: probe.health,
    resources: { cpuMillis: host.NanoCpus / nanosPerMilli, memoryBytes: host.Memory, pids: host.PidsLimit ?? 0 },
    tmpfs: Object.keys(host.Tmpfs).toSorted(),
    ...(Object.keys(data).length > 0 && { data }),
    hardening: {
      readOnlyRoot: host.ReadonlyRootfs,
      noNewPrivileges: host.SecurityOpt.includes(noNewPrivilegesOption),
      capabilities: host.CapAdd.map(bareCapability).toSorted(),
    },
    ...(probe.executables && { executables: probe.executables }),
  }
  return isConfined(container, spec) ? spec : undefined
}

/** Where the service's data volumes are; undefined where anything else is mounted, or one of them is twice. */
function dataOf({ Mounts, Config, HostConfig }: ContainerRecord): Record<string, string> | undefined {
  const fleet = fleetOf(Config.Labels)
  if (fleet === undefined || HostConfig.Mounts.length !== Mounts.length) return undefined
  const prefix = dataVolumeName(fleet, '')
  const isData = (mount: ContainerRecord['Mounts'][number]): boolean =>
    mount.Type === 'volume' && mount.Driver === volumeDriver && mount.RW && mount.Name.startsWith(prefix)
  if (!Mounts.every(isData)) return undefined
  const data = Object.fromEntries(Mounts.map(({ Name, Destination }) => [Name.slice(prefix.length), Destination]))
  return Object.keys(data).length === Mounts.length ? data : undefined
}

/** `NAME=value` entries; those without `=` set nothing. */
function environmentOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

function bareCapability(name: string): string {
  return name.replace(/^CAP_/, '')
}

/** Whether everything that a version takes for granted holds: no way out of it, no setting beside it. */
function isConfined({ HostConfig: host, Config }: ContainerRecord, spec: VersionSpec): boolean {
  return (
    !Config.Tty &&
    host.NetworkMode.startsWith('container:') &&
    host.CapDrop.map(bareCapability).join() === 'ALL' &&
    host.SecurityOpt.every((option) => option === noNewPrivilegesOption) &&
    // Without swap accounting in the kernel, Docker turns the limit into -1, and there is none to set.
    (host.MemorySwap === host.Memory || host.MemorySwap === -1) &&
    Object.values(host.Tmpfs).every((options) => options === tmpfsOptions(spec)) &&
    host.MaskedPaths.length > 0 &&
    host.ReadonlyPaths.length > 0 &&
    host['IpcMode'] === 'private' &&
    (host.RestartPolicy.Name === 'no' || host.RestartPolicy.Name === '') &&
    mustBeUnset.every((setting) => isUnset(host[setting]))
  )
}

/** Settings that open a container up, or change its limits beside those that a version names. */
const mustBeUnset = [
  'Privileged',
  'Binds',
  'VolumesFrom',
  'PortBindings',
  'PublishAllPorts',
  'PidMode',
  'UTSMode',
  'UsernsMode',
  'Devices',
  'DeviceCgroupRules',
  'DeviceRequests',
  'GroupAdd',
  'Sysctls',
  'ExtraHosts',
  'Links',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'AutoRemove',
  'OomKillDisable',
  'OomScoreAdj',
  'CpuShares',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'BlkioWeight',
  'MemoryReservation',
] as const

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
