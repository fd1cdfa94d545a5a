/** An engine in memory: a whole one, on a machine that exists only here and on the clock of that machine. */
import { RepaveError } from '../../errors.ts'
import type { ImageDescription } from '../../model/image-description.ts'
import { versionId, type ImageDigest, type VersionId, type VersionSpec } from '../../model/version.ts'
import type { EvidencePart } from '../../model/evidence.ts'
import { type Scope, scopeName } from '../../model/stack.ts'
import { type Sense, senseLayers } from '../../model/touch.ts'
import type {
  Engine,
  EngineEvent,
  EngineState,
  ImageRequest,
  InstanceOrder,
  LogLine,
  LogOptions,
  ObservedInstance,
  PreparedImage,
} from '../engine.ts'
import type { ScopeSurvey } from '../survey.ts'
import type { MemoryInstance, MemoryMachine } from './memory-machine.ts'

/** What is made ahead for a scope: only counted here. */
interface Pool {
  target: number
  spares: number
}

/** What calls take, in milliseconds. */
export interface EngineTimings {
  readonly createMs: number
  readonly removeMs: number
  readonly observeMs: number
}

export interface MemoryEngineOptions {
  /** Whose instances it sees. */
  readonly owner?: string
  readonly timings?: Partial<EngineTimings>
  /** Aborts when the process that drives this engine is gone: it asks for nothing more. */
  readonly gone?: AbortSignal
  /** Aborts when also what it had asked for already is not done any more. */
  readonly lost?: AbortSignal
}

const noTime: EngineTimings = { createMs: 0, removeMs: 0, observeMs: 0 }

export class MemoryEngine implements Engine {
  readonly kind = 'memory'
  readonly #machine: MemoryMachine
  readonly #owner: string
  readonly #timings: EngineTimings
  readonly #gone: AbortSignal | undefined
  readonly #lost: AbortSignal | undefined
  readonly #pools = new Map<string, Pool>()
  #versions = new WeakMap<VersionSpec, VersionId>()

  constructor(machine: MemoryMachine, options: MemoryEngineOptions = {}) {
    this.#machine = machine
    this.#owner = options.owner ?? 'controller'
    this.#timings = { ...noTime, ...options.timings }
    this.#gone = options.gone
    this.#lost = options.lost
  }

  async version(): Promise<string> {
    await this.#take(0)
    return '1'
  }

  async prepare(request: ImageRequest, progress?: (line: string) => void): Promise<PreparedImage> {
    await this.#take(0)
    return this.#machine.images.prepare(request, progress)
  }

  async create(order: InstanceOrder): Promise<void> {
    await this.#take(this.#timings.createMs)
    this.#machine.add(this.#owner, order)
    const pool = this.#pool(order)
    pool.spares = Math.max(0, pool.spares - 1)
  }

  async start(name: string): Promise<void> {
    await this.#take(this.#mine(name)?.behaviour.startMs ?? 0)
    const instance = this.#mine(name)
    if (!instance) throw unknown(name)
    if (instance.process) return
    if (instance.behaviour.cannotRun) throw cannotRun(name, instance.behaviour.cannotRun)
    this.#machine.run(instance)
  }

  async destroy(name: string, graceMs: number): Promise<void> {
    await this.#take(0)
    const instance = this.#mine(name)
    if (!instance) return
    await this.#machine.stop(instance, graceMs)
    await this.#take(this.#timings.removeMs)
    if (!this.#mine(name)) return
    this.#machine.remove(name)
    const pool = this.#pool(instance.order)
    pool.spares = Math.min(pool.target, pool.spares + 1)
  }

  async observe(options: { readonly fresh?: boolean } = {}): Promise<EngineState> {
    await this.#take(this.#timings.observeMs)
    if (options.fresh) this.#versions = new WeakMap()
    const instances = [...this.#machine.instances].filter((instance) => instance.owner === this.#owner)
    return {
      instances: instances.map((instance) => this.#observed(instance)),
      scopes: this.#machine.scopes(this.#owner).map((scope) => ({ ...scope, spares: this.#pool(scope).spares })),
    }
  }

  async *logs(name: string, options: LogOptions = {}): AsyncIterable<LogLine> {
    await this.#take(0)
    const instance = this.#mine(name)
    if (!instance) throw unknown(name)
    yield* instance.log.read(options)
  }

  async isolate(name: string): Promise<void> {
    await this.#take(this.#timings.removeMs)
    const instance = this.#mine(name)
    if (instance) instance.isSealed = true
  }

  async *collect(name: string): AsyncIterable<EvidencePart> {
    await this.#take(this.#timings.removeMs)
    const instance = this.#mine(name)
    if (!instance) throw unknown(name)
    if (instance.process) instance.process.isPaused = true
    if (this.#machine.isUnreadable) throw unreadable(name)
    const processes = instance.process && !instance.process.exit ? [{ command: instance.order.spec.command }] : []
    const content = Buffer.from(JSON.stringify(processes))
    yield { kind: 'found', name: 'processes.json', content, isSecret: false }
    yield { kind: 'missing', name: 'files', reason: 'a memory machine has none' }
  }

  async senses(): Promise<readonly Sense[]> {
    await this.#take(0)
    return senseLayers.map((layer): Sense => ({
      layer,
      state: 'works',
      detail: 'whatever a memory machine is told to do',
    }))
  }

  async watch(listener: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const ended = Promise.withResolvers<void>()
    const stop = this.#machine.listen(this.#owner, (event) => signal.aborted || listener(event))
    signal.addEventListener('abort', () => ended.resolve(), { once: true })
    await ended.promise
    stop()
  }

  async reserve(scope: Scope, count: number): Promise<void> {
    await this.#take(0)
    this.#machine.hold(this.#owner, scope)
    Object.assign(this.#pool(scope), { target: count, spares: count })
  }

  async retire(scope: Scope): Promise<void> {
    await this.#take(0)
    this.#machine.release(this.#owner, scope)
    this.#pools.delete(scopeName(scope))
  }

  async discardData(scope: Scope): Promise<readonly string[]> {
    await this.#take(0)
    for (const { owner, order } of this.#machine.instances)
      if (owner === this.#owner && scopeName(order) === scopeName(scope)) throw dataInUse(scope, order.name)
    return this.#machine.volumes.discard(this.#owner, scope)
  }

  async retain(digests: readonly ImageDigest[]): Promise<void> {
    await this.#take(0)
    this.#machine.images.retain(this.#owner, digests, this.#machine.usedImages)
  }

  async present(digests: readonly ImageDigest[]): Promise<ReadonlySet<ImageDigest>> {
    await this.#take(0)
    return new Set(digests.filter((digest) => this.#machine.images.get(digest) !== undefined))
  }

  async survey(scope: Scope): Promise<ScopeSurvey> {
    await this.#take(0)
    const name = scopeName(scope)
    const own = [...this.#machine.instances].filter(
      (instance) => instance.owner === this.#owner && scopeName(instance.order) === name,
    )
    const hasNetwork = this.#machine.scopes(this.#owner).some((held) => scopeName(held) === name)
    const { deviations, foreign, misplaced, firewall } = this.#machine.surroundings.of(scope)
    return {
      ...(hasNetwork && { network: { name, deviations } }),
      foreign: hasNetwork ? foreign : [],
      misplaced: misplaced.filter(({ instance }) => own.some(({ order }) => order.name === instance)),
      specs: new Map(own.map(({ order }) => [order.name, order.spec])),
      firewall,
    }
  }

  async describe(image: string): Promise<ImageDescription> {
    await this.#take(0)
    return this.#machine.images.describe(image)
  }

  #pool(scope: Scope): Pool {
    const pool = this.#pools.get(scopeName(scope)) ?? { target: 0, spares: 0 }
    this.#pools.set(scopeName(scope), pool)
    return pool
  }

  /** Lets a call take its time; it does nothing unless the engine answers before and after, and is the same one. */
  async #take(ms: number): Promise<void> {
    if (this.#gone?.aborted) await never()
    this.#assertReachable()
    const { restarts } = this.#machine
    if (ms > 0) await this.#machine.clock.sleep(ms)
    else await Promise.resolve()
    if (this.#lost?.aborted) await never()
    this.#assertReachable(restarts)
  }

  #assertReachable(restarts = this.#machine.restarts): void {
    if (this.#machine.reachable && this.#machine.restarts === restarts) return
    throw new RepaveError('ENGINE_UNREACHABLE', 'the memory engine does not answer', {
      hint: 'make it reachable again',
    })
  }

  #mine(name: string): MemoryInstance | undefined {
    const instance = this.#machine.instance(name)
    return instance?.owner === this.#owner ? instance : undefined
  }

  #observed({ order, process, address, createdAtMs }: MemoryInstance): ObservedInstance {
    const { stack, environment, service, name, version, spec } = order
    return {
      stack,
      environment,
      service,
      name,
      claimed: version,
      version: this.#versionOf(spec),
      phase: !process ? 'created' : process.exit ? 'exited' : 'running',
      isPaused: process !== undefined && !process.exit && process.isPaused,
      createdAtMs,
      ...(process && { startedAtMs: process.startedAtMs }),
      ...(process?.exit && { exit: process.exit }),
      ...(address && process && !process.exit && { address }),
    }
  }

  #versionOf(spec: VersionSpec): VersionId {
    const known = this.#versions.get(spec)
    if (known) return known
    const version = versionId(spec)
    this.#versions.set(spec, version)
    return version
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

function unknown(name: string): RepaveError {
  return new RepaveError('INSTANCE_UNKNOWN', `no instance ${name}`, { hint: '`repave status` lists the instances' })
}

function unreadable(name: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `what is in ${name} can't be read`, {
    hint: 'make the machine readable again',
  })
}

function dataInUse(scope: Scope, name: string): RepaveError {
  return new RepaveError('DATA_IN_USE', `the data of ${scopeName(scope)} is in use: there is ${name}`, {
    hint: 'take its instances down first',
  })
}

function cannotRun(name: string, why: string): RepaveError {
  return new RepaveError('INSTANCE_CANNOT_RUN', `${name} can't run: ${why}`, {
    hint: 'check the command, the user and the image of its service',
  })
}
