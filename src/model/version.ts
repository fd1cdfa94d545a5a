/**
 * A version: the frozen, content-named description of one instance of a service (promise 2).
 *
 * Everything that the image would decide at run time (command, environment, user, working directory) is
 * spelled out in it, so that the id can be recomputed from a live instance alone.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'

/** `sha256:` and 64 hex digits: the digest of an image, as the engine names its content. */
export type ImageDigest = `sha256:${string}`

/** 64 hex digits: the SHA-256 of a version's canonical form. */
export type VersionId = string

/** How an instance shows that it can serve; times in milliseconds. */
export type Health =
  | ({ readonly kind: 'http'; readonly path: string } & HealthTiming)
  | ({ readonly kind: 'tcp' } & HealthTiming)
  /** For a service without a port: healthy as long as its process lives. */
  | ({ readonly kind: 'process' } & HealthTiming)

export interface HealthTiming {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Successes in a row that make an instance healthy. */
  readonly healthyAfter: number
  /** Failures in a row that make a healthy instance unhealthy. */
  readonly unhealthyAfter: number
}

export interface Resources {
  /** Thousandths of a CPU. */
  readonly cpuMillis: number
  readonly memoryBytes: number
  /** The greatest number of processes and threads. */
  readonly pids: number
}

/** What is taken from an instance by default; the same for every engine that has the notion. */
export interface Hardening {
  readonly readOnlyRoot: boolean
  readonly noNewPrivileges: boolean
  /** Linux capabilities kept, without the CAP_ prefix, sorted; all others are dropped. */
  readonly capabilities: readonly string[]
}

export interface VersionSpec {
  readonly image: ImageDigest
  /** The whole argument vector: what the image calls entrypoint and command. */
  readonly command: readonly string[]
  /** Absolute path. */
  readonly workingDirectory: string
  readonly environment: Readonly<Record<string, string>>
  /** `uid`, `uid:gid`, or a name that the image knows. */
  readonly user: string
  /** The port that it serves on; null for a service that serves none. */
  readonly port: number | null
  readonly health: Health
  readonly resources: Resources
  /** Absolute paths of its only writable places, sorted; each a tmpfs. */
  readonly tmpfs: readonly string[]
  /** Named volumes, which outlive instances: absolute paths by name; absent where there are none. */
  readonly data?: Readonly<Record<string, string>>
  readonly hardening: Hardening
  /** The only programs that may run, as absolute paths, sorted. Absent: those of the image. */
  readonly executables?: readonly string[]
}

export const defaultHardening: Hardening = { readOnlyRoot: true, noNewPrivileges: true, capabilities: [] }

/** The SHA-256 of the RFC 8785 form of `spec`, in hex. */
export function versionId(spec: VersionSpec): VersionId {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex')
}

/** The eight digits that people read: `4f9a1c2b`. */
export function shortVersion(id: VersionId): string {
  return id.slice(0, 8)
}

/** How people name a version: `web@4f9a1c2b`. */
export function versionName(service: string, id: VersionId): string {
  return `${service}@${shortVersion(id)}`
}
