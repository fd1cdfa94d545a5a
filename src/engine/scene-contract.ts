/** What the parts of the engine contract share: the fixture, a scope for each test, and what is waited for. */
import { expect, vi } from 'vitest'
import { RepaveError, type ErrorCode } from '../errors.ts'
import type { Address } from '../model/address.ts'
import type { Scope } from '../model/stack.ts'
import { defaultHardening, type ImageDigest, versionId, type VersionSpec } from '../model/version.ts'
import type { TouchKind } from '../model/touch.ts'
import type {
  Engine,
  ImageRequest,
  InstanceOrder,
  LogLine,
  LogOptions,
  ObservedInstance,
  PreparedImage,
} from './engine.ts'

/** Argument vectors that the fixture's image can run. */
export interface ContractPrograms {
  /** Runs until it is asked to end, and then ends with code 0. */
  readonly polite: readonly string[]
  /** Runs on when it is asked to end. */
  readonly stubborn: readonly string[]
  /** Cannot be executed at all. */
  readonly missing: readonly string[]
  /** Ends by itself with `code`. */
  exit(code: number): readonly string[]
  /** Writes the lines `1` to `count`, then runs until it is asked to end. */
  count(count: number): readonly string[]
  /** Runs until it is asked to end, and answers on port 8080. */
  readonly serve: readonly string[]
  /** Writes `out` to stdout and `err` to stderr, then ends. */
  readonly bothStreams: readonly string[]
}

/**
 * `listed`: `libssl3 3.0.11-1` and `base-files 12.4`, which its system lists. `sbom`: the npm package `@acme/web 1.2.0`, in
 * a bill of materials that a label names. `derived`: `listed` with a layer more. `broken`: a list that is none.
 * `endless`: a list longer than any. `based`: labels that name `debian:12` and `sha256:0000…` as its base.
 */
export type DescribedKind = 'listed' | 'sbom' | 'derived' | 'broken' | 'endless' | 'based'

/** An engine under test, its neighbour on the same machine, and what people outside of both may do. */
export interface EngineFixture {
  readonly engine: Engine
  /** Another controller's engine on the same machine. */
  readonly neighbour: Engine
  readonly image: PreparedImage
  /** A name under which the machine has `image`. */
  readonly imageReference: string
  readonly programs: ContractPrograms
  /** A build that succeeds, and one that fails after saying `broken on purpose`. */
  goodBuild(): ImageRequest
  badBuild(): ImageRequest
  /** Images that say what they hold: each is there when the promise resolves, with a digest of its own. */
  described(kind: DescribedKind): Promise<ImageDigest>
  /** The labels of what the good build makes. */
  readonly builtLabels: Readonly<Record<string, string>>
  /** Takes from what the good build made the name that it got, and then removes, as people do, what has no name. */
  cleanUpBuilt(): Promise<void>
  /** Kills the process of a running instance from outside. */
  kill(name: string): Promise<void>
  /** Halts a running instance from outside: it runs no more, and is not ended. */
  pause(name: string): Promise<void>
  /** Does something to a running instance that leaves it running; absent: `exec`. */
  touch(name: string, kind?: TouchKind): Promise<void>
  /** The kinds of touches that `touch` can do here. */
  readonly touchKinds: readonly TouchKind[]
  /** Whether anything comes back from there within a moment. */
  isAnswered(address: Address): Promise<boolean>
  /** Changes from outside a limit of a running instance, which makes it another version. */
  alter(name: string): Promise<void>
  /** Puts something that belongs to no controller in the network of a scope, and answers its name. */
  intrude(scope: Scope): Promise<string>
  /** Removes what `intrude` put somewhere: a network goes only when nobody is in it. */
  evict(): Promise<void>
  /** Takes a running instance out of its network. */
  disconnect(name: string): Promise<void>
  /** Puts something that belongs to no controller where an instance of that name would be. */
  occupy(name: string): Promise<void>
  /** Whether what `occupy` put there is untouched. */
  isOccupied(name: string): Promise<boolean>
  /** Puts a volume that belongs to no controller where a data volume of that name would be. */
  occupyData(name: string): Promise<void>
  isDataOccupied(name: string): Promise<boolean>
  /** The last exit code that the machine's own record has for that name, also after its removal. */
  recordedExit(name: string): Promise<number | undefined>
  /** Breaks the event connection; the engine has to come back by itself. */
  cutEvents(): Promise<void>
  /** Removes all that the fixture made, `occupy` and `occupyData` included. */
  cleanup(): Promise<void>
}

/** How long a test waits for what has to come. */
export const deadlineMs = 20_000
export const testTimeoutMs = 60_000

/** Where the tests of a contract find the scene of the one that runs. */
export interface Stage {
  readonly scene: ContractScene
}

/** The fixture, and a scope that no other test has. */
export class ContractScene {
  readonly fixture: EngineFixture
  readonly desk: OrderDesk

  constructor(fixture: EngineFixture) {
    this.fixture = fixture
    this.desk = new OrderDesk(fixture.image)
  }

  get engine(): Engine {
    return this.fixture.engine
  }

  /** Creates and starts an instance that ends when it is asked to. */
  async running(change: Partial<VersionSpec> = {}): Promise<InstanceOrder> {
    const order = this.desk.order({ command: this.fixture.programs.polite, ...change })
    await this.engine.create(order)
    await this.engine.start(order.name)
    return order
  }
}

export const absentDigest = `sha256:${'0'.repeat(64)}` as const
export const timing = { intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 } as const

/** Writes orders of one scope that no other test has, named as the controller would name them. */
export class OrderDesk {
  readonly scope: Scope
  readonly #image: PreparedImage
  #orders = 0

  constructor(image: PreparedImage) {
    this.#image = image
    this.scope = { stack: `contract-${crypto.randomUUID().slice(0, 8)}`, environment: 'test' }
  }

  order(change: Partial<VersionSpec>): InstanceOrder {
    const spec = { ...plainSpec(this.#image), ...change }
    const version = versionId(spec)
    const { stack, environment } = this.scope
    this.#orders += 1
    const name = `${stack}-${environment}-web-${version.slice(0, 8)}-${this.#orders}`
    return { ...this.scope, service: 'web', name, version, spec }
  }
}

export function plainSpec(image: PreparedImage): VersionSpec {
  return {
    image: image.digest,
    command: [...image.entrypoint, ...image.command],
    workingDirectory: '/',
    environment: {},
    user: '65532',
    port: 8080,
    health: { kind: 'tcp', ...timing },
    resources: { cpuMillis: 500, memoryBytes: 67_108_864, pids: 32 },
    tmpfs: ['/tmp'],
    hardening: defaultHardening,
  }
}

export async function list(engine: Engine): Promise<readonly ObservedInstance[]> {
  return (await engine.observe()).instances
}

export async function scopesOf(engine: Engine): Promise<readonly Scope[]> {
  const { scopes } = await engine.observe({ fresh: true })
  return scopes.map(({ stack, environment }) => ({ stack, environment }))
}

export async function find(engine: Engine, name: string): Promise<ObservedInstance | undefined> {
  return (await list(engine)).find((instance) => instance.name === name)
}

export async function untilExited(engine: Engine, name: string): Promise<ObservedInstance> {
  return vi.waitFor(async () => {
    const instance = await find(engine, name)
    expect(instance?.phase).toBe('exited')
    return instance!
  }, deadlineMs)
}

export async function collect(engine: Engine, name: string, options?: LogOptions): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const line of engine.logs(name, options)) lines.push(line)
  return lines
}

export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<RepaveError> {
  const error = await promise.then(
    () => expect.fail(`succeeded, where ${code} was due`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RepaveError)
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S/) })
  if (error instanceof RepaveError) return error
  throw error
}

export async function removeAll(engine: Engine): Promise<void> {
  const { instances } = await engine.observe({ fresh: true })
  await Promise.all(instances.map((instance) => engine.destroy(instance.name, 0)))
  const { scopes } = await engine.observe({ fresh: true })
  await Promise.all(scopes.map((scope) => engine.retire(scope)))
}
