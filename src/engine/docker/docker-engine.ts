/** The engine contract on the Docker Engine API, version 20.10 and newer. */
import { RepaveError } from '../../errors.ts'
import type { EvidencePart } from '../../model/evidence.ts'
import { scopeName, type Scope } from '../../model/stack.ts'
import { systemClock, type Clock } from '../../system/clock.ts'
import { type Sense, senseLayers } from '../../model/touch.ts'
import type { Engine, EngineEvent, EngineState, LogLine, LogOptions } from '../engine.ts'
import type { Terminals } from '../terminal.ts'
import { followEvents, type ContainerEvent } from './container-events.ts'
import { DataVolumes, dataInUse } from './data-volumes.ts'
import { defaultSocketPath, DockerClient } from './docker-client.ts'
import { DockerImages } from './docker-images.ts'
import { DockerInstances } from './docker-instances.ts'
import { DockerTerminals } from './docker-terminals.ts'
import { InstanceObserver } from './instance-observer.ts'
import { KeptImages } from './kept-images.ts'
import { isOwn } from './labels.ts'
import { SandboxPool, type SeenSandbox } from './sandbox-pool.ts'
import { ScopeNetworks } from './scope-networks.ts'
import { VolumeHandover } from './volume-handover.ts'

export interface DockerEngineOptions {
  /** Names the controller's state folder: engines with different owners don't see each other's objects. */
  readonly owner: string
  /** Absent: what DOCKER_HOST says, else /var/run/docker.sock. */
  readonly socketPath?: string
  readonly clock?: Clock
}

export function createDockerEngine(options: DockerEngineOptions): Engine & { readonly terminals: Terminals } {
  const { owner, socketPath = defaultSocketPath(process.env), clock = systemClock } = options
  return new DockerEngine(new DockerClient(socketPath), owner, clock)
}

class DockerEngine implements Engine {
  readonly kind = 'docker'
  readonly #client: DockerClient
  readonly #owner: string
  readonly #clock: Clock
  readonly #images: DockerImages
  readonly #kept: KeptImages
  readonly #networks: ScopeNetworks
  readonly #sandboxes: SandboxPool
  readonly #handover: VolumeHandover
  readonly #data: DataVolumes
  readonly #observer: InstanceObserver
  readonly #instances: DockerInstances
  readonly terminals: DockerTerminals
  #firstLook: Promise<unknown> | undefined

  constructor(client: DockerClient, owner: string, clock: Clock) {
    this.#client = client
    this.#owner = owner
    this.#clock = clock
    this.#images = new DockerImages(client)
    this.#kept = new KeptImages(client, owner)
    this.#networks = new ScopeNetworks(client, owner)
    this.#sandboxes = new SandboxPool(client, owner, this.#networks, this.#images)
    this.#handover = new VolumeHandover(client, owner, this.#images, this.#kept)
    this.#data = new DataVolumes(client, owner, this.#handover)
    this.#observer = new InstanceObserver(client, owner)
    this.#instances = new DockerInstances({
      client,
      owner,
      clock,
      images: this.#images,
      sandboxes: this.#sandboxes,
      data: this.#data,
      observer: this.#observer,
    })
    this.terminals = new DockerTerminals(client, (name) => this.#instances.idOf(name))
  }

  async version(): Promise<string> {
    return (await this.#client.version()).version
  }

  prepare: Engine['prepare'] = (request, progress = () => {}) => this.#images.prepare(request, progress)

  create: Engine['create'] = async (order) => {
    await this.#haveLooked()
    await this.#instances.create(order)
  }

  start(name: string): Promise<void> {
    return this.#instances.start(name)
  }

  async destroy(name: string, graceMs: number): Promise<void> {
    await this.#haveLooked()
    await this.#instances.destroy(name, graceMs)
    this.terminals.forget(name)
  }

  async observe(options: { readonly fresh?: boolean } = {}): Promise<EngineState> {
    const number = this.#sandboxes.beginLook()
    const isFresh = options.fresh === true
    const [look, scopes] = await Promise.all([this.#observer.look({ isFresh }), this.#networks.scopes(isFresh)])
    this.#sandboxes.reconcile(look.sandboxes, number)
    // What fails here is a stray, which a later look finds.
    this.#handover.sweep(look.handovers).catch(() => {})
    const held = distinctScopes([...scopes, ...look.sandboxes.map(scopeOfSandbox)])
    const withSpares = held.map((scope) => ({ ...scope, spares: this.#sandboxes.spares(scope) }))
    return { instances: look.instances, scopes: withSpares }
  }

  logs(name: string, options: LogOptions = {}): AsyncIterable<LogLine> {
    return this.#instances.logs(name, options)
  }

  async isolate(name: string): Promise<void> {
    throw notYet(name)
  }

  // oxlint-disable-next-line require-yield
  async *collect(name: string): AsyncIterable<EvidencePart> {
    throw notYet(name)
  }

  async senses(): Promise<readonly Sense[]> {
    return senseLayers.map((layer): Sense => ({ layer, state: 'missing', detail: 'nothing looks yet' }))
  }

  async watch(listener: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    const connected = (): void => listener({ kind: 'lost' })
    const event = (happened: ContainerEvent): void => {
      const instance = this.#instanceOf(happened)
      if (instance !== undefined) listener({ kind: 'changed', instance, action: happened.action, atMs: happened.atMs })
    }
    await followEvents(this.#client, this.#owner, this.#clock, { connected, event }, signal)
  }

  async reserve(scope: Scope, count: number): Promise<void> {
    await this.#haveLooked()
    await this.#sandboxes.reserve(scope, count)
  }

  async retire(scope: Scope): Promise<void> {
    const { instances, sandboxes } = await this.#observer.look({ isFresh: false, scope })
    if (instances.length > 0) return
    await this.#sandboxes.drain(scope, sandboxes)
    await this.#networks.remove(scope)
  }

  async discardData(scope: Scope): Promise<readonly string[]> {
    const { instances, handovers } = await this.#observer.look({ isFresh: false, scope })
    const [instance] = instances
    if (instance) throw dataInUse(scope, `there is ${instance.name}`)
    await this.#handover.sweep(handovers)
    return this.#data.discard(scope)
  }

  retain: Engine['retain'] = (digests) => this.#kept.retain(digests)

  present: Engine['present'] = (digests) => this.#kept.present(digests)

  /** The instance that an event is about: its own, or its sandbox's, without which it can't be reached. */
  #instanceOf({ id, name, labels }: ContainerEvent): string | undefined {
    if (isOwn(labels, this.#owner, 'sandbox')) return this.#observer.instanceIn(id)
    this.#observer.forget(id)
    return isOwn(labels, this.#owner, 'instance') ? name : undefined
  }

  /** Sandboxes left by an earlier controller are taken over before new ones are made. */
  async #haveLooked(): Promise<void> {
    this.#firstLook ??= this.observe().catch((error: unknown) => {
      this.#firstLook = undefined
      throw error
    })
    await this.#firstLook
  }
}

function notYet(name: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `${name} can't be isolated on Docker yet`, {
    hint: 'it is replaced all the same',
  })
}

function scopeOfSandbox({ scope }: SeenSandbox): Scope {
  return scope
}

function distinctScopes(scopes: readonly Scope[]): Scope[] {
  const byName = new Map(scopes.map((scope) => [scopeName(scope), scope]))
  return [...byName.keys()].toSorted().flatMap((name) => byName.get(name) ?? [])
}
