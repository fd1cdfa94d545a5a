/**
 * The engine contract: what runs instances. It has no verb to change or enter one (promise 1).
 *
 * The engine is the truth about what runs. Every method may fail with ENGINE_UNREACHABLE or ENGINE_FAILED;
 * every method that acts may be called twice and acts once.
 */
import type { Readable } from 'node:stream'
import type { Address } from '../model/address.ts'
import type { EvidenceOptions, EvidencePart } from '../model/evidence.ts'
import type { ImageDescription } from '../model/image-description.ts'
import type { FleetKey, Scope } from '../model/stack.ts'
import type { Sense, Touch } from '../model/touch.ts'
import type { ImageDigest, VersionId, VersionSpec } from '../model/version.ts'
import type { ScopeSurvey } from './survey.ts'

/** What an image brings along; what the stack file leaves open is filled from it. */
export interface PreparedImage {
  readonly digest: ImageDigest
  /** `name@sha256:…`, when a registry has it. */
  readonly repositoryDigest?: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Empty: root. */
  readonly user: string
  readonly workingDirectory: string
  /** Paths that the image declares as volumes. */
  readonly volumes: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

export type ImageRequest =
  /** Use what the engine has under this name, else pull it. With `digest`: that content or IMAGE_NOT_FOUND. */
  | {
      readonly kind: 'reference'
      readonly reference: string
      readonly digest?: ImageDigest
      readonly repositoryDigest?: string
    }
  /** Build `dockerfile` (relative to the context) from a tar stream; `tag` keeps the result from clean-up. */
  | {
      readonly kind: 'build'
      readonly context: Readable
      readonly dockerfile: string
      readonly arguments: Readonly<Record<string, string>>
      readonly tag: string
    }
  /** Content that must be there already. */
  | { readonly kind: 'digest'; readonly digest: ImageDigest }

export interface InstanceOrder extends FleetKey {
  /** `stack-env-service-version8-n` */
  readonly name: string
  readonly version: VersionId
  readonly spec: VersionSpec
}

/** The volume that the instances of a service share under `name`. Like instances, two may read the same: NAME_TAKEN. */
export function dataVolumeName({ stack, environment, service }: FleetKey, name: string): string {
  return `${stack}-${environment}-${service}-${name}`
}

export interface InstanceExit {
  readonly code: number
  readonly outOfMemory: boolean
  readonly atMs: number
  /** What the engine says, where it has words. */
  readonly message?: string
}

export interface ObservedInstance extends FleetKey {
  readonly name: string
  /** The version that its label claims. */
  readonly claimed: VersionId
  /** The version id recomputed from what really runs; undefined where that is no version at all. */
  readonly version: VersionId | undefined
  readonly phase: 'created' | 'running' | 'exited'
  /** Runs, and was halted from outside: its port may accept connections, and nobody answers them. */
  readonly isPaused: boolean
  readonly createdAtMs: number
  readonly startedAtMs?: number
  readonly exit?: InstanceExit
  /** Where it can be reached; absent for an instance without a port or one that does not run. */
  readonly address?: Address
}

export interface EngineState {
  readonly instances: readonly ObservedInstance[]
  /** Environments for which the engine holds anything (networks, prepared namespaces), also without instances. */
  readonly scopes: readonly HeldScope[]
}

export interface HeldScope extends Scope {
  /** What is ready, or being made ready, for instances to come. */
  readonly spares: number
}

export interface LogLine {
  readonly instance: string
  readonly stream: 'stdout' | 'stderr'
  readonly atMs: number
  readonly text: string
}

export interface LogOptions {
  /** How many of the last lines to begin with; absent: all. */
  readonly tail?: number
  readonly follow?: boolean
  readonly signal?: AbortSignal
}

/**
 * `changed`: something happened to the named instance. `touched`: somebody reached it who is not the controller.
 * `lost`: events may have been missed, so look at everything anew.
 */
export type EngineEvent =
  | {
      readonly kind: 'changed'
      readonly instance: string
      /** `die`: it has ended. Others by the engine's own words. */
      readonly action: string
      /** By the engine's clock, as the times of its instances: a name can belong to another instance by now. */
      readonly atMs: number
    }
  | { readonly kind: 'touched'; readonly instance: string; readonly touch: Touch }
  | { readonly kind: 'lost' }

export interface Engine {
  readonly kind: string
  /** The engine's version; throws ENGINE_UNREACHABLE, ENGINE_MISSING or ENGINE_TOO_OLD. */
  version(): Promise<string>
  /** Resolves, pulls or builds an image. `progress` gets the engine's own words, a line at a time. */
  prepare(request: ImageRequest, progress?: (line: string) => void): Promise<PreparedImage>
  /**
   * Makes the instance without running it, and its data volumes where there are none yet. A volume that is empty belongs
   * to the version's user; what is in one keeps its owner. The same name twice is one instance, or one volume; another
   * owner's or fleet's is NAME_TAKEN.
   */
  create(order: InstanceOrder): Promise<void>
  /** Runs a created instance; INSTANCE_CANNOT_RUN when it never will. Running already: nothing. */
  start(name: string): Promise<void>
  /** Asks the instance to end, kills it after `graceMs`, and removes it. Gone already: nothing. */
  destroy(name: string, graceMs: number): Promise<void>
  /** All of this controller's instances. `fresh`: trust nothing that was remembered from an earlier look. */
  observe(options?: { readonly fresh?: boolean }): Promise<EngineState>
  /** The output of one instance, oldest first. */
  logs(name: string, options?: LogOptions): AsyncIterable<LogLine>
  /**
   * Cuts its network, for good: nothing reaches it, and it reaches nothing. What is done to it from then on is no touch.
   * Gone already: nothing.
   */
  isolate(name: string): Promise<void>
  /**
   * Halts an instance, for good, and hands out what is in it, the quickest first: processes, sockets, mounts, files that
   * are not as in its image, what is in its tmpfs. INSTANCE_UNKNOWN for one that is gone.
   */
  collect(name: string, options?: EvidenceOptions): AsyncIterable<EvidencePart>
  /** Which touches can be seen here, and which can not, and why. */
  senses(): Promise<readonly Sense[]>
  /** Calls `listener` until `signal` aborts; reconnects by itself and then says `lost`. */
  watch(listener: (event: EngineEvent) => void, signal: AbortSignal): Promise<void>
  /** Prepares, ahead of need, what the next `count` starts in `scope` will take (networks, namespaces). */
  reserve(scope: Scope, count: number): Promise<void>
  /** Removes everything that it holds for a scope that has no instances any more, but for data. */
  retire(scope: Scope): Promise<void>
  /**
   * Removes the data volumes of a scope, for good, and answers their names; nothing else does that. DATA_IN_USE while
   * the scope has an instance.
   */
  discardData(scope: Scope): Promise<readonly string[]>
  /**
   * Keeps these images from a clean-up of what has no name, and no longer keeps any other: that one is removed, unless
   * it has another name, or an instance, for as long as it has that: a later call removes it then. One that the engine
   * does not have is passed over.
   *
   * No engine can keep an image from a clean-up of everything that has no instance (`docker image prune -a`).
   */
  retain(digests: readonly ImageDigest[]): Promise<void>
  /** Which of these the engine has. */
  present(digests: readonly ImageDigest[]): Promise<ReadonlySet<ImageDigest>>
  /** Looks around a scope, afresh; changes nothing. */
  survey(scope: Scope): Promise<ScopeSurvey>
  /**
   * What an image that the engine has, under this digest or name, says of itself; nothing of it is run. IMAGE_NOT_FOUND,
   * or IMAGE_INVALID where what it says is no list of packages, or too long for one.
   */
  describe(image: string): Promise<ImageDescription>
}
