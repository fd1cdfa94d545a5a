/** The engine contract on the Docker Engine API, version 20.10 and newer. */
import type { EvidenceOptions, EvidencePart } from '../../model/evidence.ts'
import { scopeName, type Scope } from '../../model/stack.ts'
import type { Sensor } from '../../sensor/sensor.ts'
import { systemClock, type Clock } from '../../system/clock.ts'
import type { Sense } from '../../model/touch.ts'
import type { Engine, EngineEvent, EngineState, LogLine, LogOptions } from '../engine.ts'
import { Collection } from './collection.ts'
import { containerTouch } from './container-touches.ts'
import { followEvents, type ContainerEvent, type NetworkEvent } from './container-events.ts'
import { containerRecord } from './container-record.ts'
import type { Terminals } from '../terminal.ts'
import { DataVolumes, dataInUse } from './data-volumes.ts'
import { defaultSocketPath, DockerClient, parseAnswer } from './docker-client.ts'
import { DockerImages } from './docker-images.ts'
import { DockerInstances } from './docker-instances.ts'
import { ImageReader } from './image-reader.ts'
import { GivenUp } from './given-up.ts'
import { DockerTerminals } from './docker-terminals.ts'
import { InstanceObserver } from './instance-observer.ts'
import { Isolation } from './isolation.ts'
import { KeptImages } from './kept-images.ts'
import { isOwn } from './labels.ts'
import { loadTakeDown } from './network-link.ts'
import { PassingContainers } from './passing-containers.ts'
import { SandboxPool, type SeenSandbox } from './sandbox-pool.ts'
import { ScopeNetworks } from './scope-networks.ts'
import { ScopeSurveyor } from './scope-survey.ts'
import { SensorFeed } from './sensor-feed.ts'
import { TouchListener } from './touch-listener.ts'
import { VolumeHandover } from './volume-handover.ts'

export interface DockerEngineOptions {
  /** Names the controller's state folder: engines with different owners don't see each other's objects. */
  readonly owner: string
  /** Absent: what DOCKER_HOST says, else /var/run/docker.sock. */
  readonly socketPath?: string
  readonly clock?: Clock
  /** What sees touches past the engine; absent: nothing does. */
  readonly sensor?: Sensor
}

export function createDockerEngine(options: DockerEngineOptions): Engine & { readonly terminals: Terminals } {
  const { owner, socketPath = defaultSocketPath(process.env), clock = systemClock, sensor } = options
  return new DockerEngine(new DockerClient(socketPath), owner, clock, sensor)
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
  readonly #passing: PassingContainers
  readonly #reader: ImageReader
  readonly #surveyor: ScopeSurveyor
  readonly #data: DataVolumes
  readonly #observer: InstanceObserver
  readonly #instances: DockerInstances
  readonly #givenUp: GivenUp
  readonly #isolation: Isolation
  readonly #collection: Collection
  readonly #touches: TouchListener
  readonly #sensor: SensorFeed | undefined
  readonly terminals: DockerTerminals
  #firstLook: Promise<unknown> | undefined

  constructor(client: DockerClient, owner: string, clock: Clock, sensor?: Sensor) {
    const givenUp = new GivenUp()
    this.#givenUp = givenUp
    this.#client = client
    this.#owner = owner
    this.#clock = clock
    this.#images = new DockerImages(client)
    this.#kept = new KeptImages(client, owner)
    this.#networks = new ScopeNetworks(client, owner)
    this.#sandboxes = new SandboxPool(client, owner, this.#networks, this.#images, givenUp)
    this.#passing = new PassingContainers(client)
    this.#reader = new ImageReader(client, owner, this.#passing)
    this.#surveyor = new ScopeSurveyor(client, owner)
    const handover = new VolumeHandover(client, owner, this.#images, this.#kept, this.#passing)
    this.#data = new DataVolumes(client, owner, handover)
    this.#observer = new InstanceObserver(client, owner)
    this.#instances = new DockerInstances({
      client,
      owner,
      clock,
      images: this.#images,
      sandboxes: this.#sandboxes,
      data: this.#data,
      observer: this.#observer,
      givenUp,
    })
    this.#isolation = new Isolation(client, givenUp)
    this.#collection = new Collection(client, givenUp)
    this.#touches = new TouchListener(owner, this.#observer, givenUp)
    this.#sensor = sensor && new SensorFeed(sensor, client, givenUp)
    this.terminals = new DockerTerminals(client, (name) => this.#giveUp(name))
  }

  async version(): Promise<string> {
    return (await this.#client.version()).version
  }

  prepare: Engine['prepare'] = (request, progress = () => {}) => this.#images.prepare(request, progress)

  create: Engine['create'] = async (order) => {
    await this.#haveLooked()
    await this.#instances.create(order)
  }

  async start(name: string): Promise<void> {
    await this.#instances.start(name)
    // It runs: what fails here, the next look makes good.
    await this.#followAnew(name).catch(() => {})
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
    this.#passing.sweep(look.passing).catch(() => {})
    this.#sensor?.follow(look.running, number).catch(() => {})
    const held = distinctScopes([...scopes, ...look.sandboxes.map(scopeOfSandbox)])
    const withSpares = held.map((scope) => ({ ...scope, spares: this.#sandboxes.spares(scope) }))
    return { instances: look.instances, scopes: withSpares }
  }

  logs(name: string, options: LogOptions = {}): AsyncIterable<LogLine> {
    return this.#instances.logs(name, options)
  }

  async isolate(name: string): Promise<void> {
    await this.#haveLooked()
    const container = await this.#instances.own(name)
    if (container) await this.#isolation.isolate(name, container)
  }

  async *collect(name: string, options: EvidenceOptions = {}): AsyncIterable<EvidencePart> {
    await this.#haveLooked()
    yield* this.#collection.collect(await this.#instances.requireOwn(name), options)
  }

  async senses(): Promise<readonly Sense[]> {
    return [...ownSenses, ...((await this.#sensor?.senses()) ?? [])]
  }

  async watch(listener: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    // What is slow at its first use is used before it is needed.
    loadTakeDown().catch(() => {})
    const connected = (): void => listener({ kind: 'lost' })
    const event = (happened: ContainerEvent | NetworkEvent): void => this.#hear(happened, listener)
    const sensed = this.#sensor?.watch((touched) => listener({ kind: 'touched', ...touched }), signal)
    await Promise.all([followEvents(this.#client, this.#owner, this.#clock, { connected, event }, signal), sensed])
  }

  #hear(event: ContainerEvent | NetworkEvent, listener: (event: EngineEvent) => void): void {
    if (event.kind === 'network') return void this.#hearOfNetwork(event, listener)
    const instance = this.#touches.instanceOf(event)
    const touched = this.#touches.ofContainer(event)
    const isSandbox = isOwn(event.attributes, this.#owner, 'sandbox')
    if (isSandbox && instance === undefined && containerTouch(event)) this.#sandboxes.spoil(event.id)
    if (!isSandbox) this.#observer.forget(event.id)
    // First, since it is the more urgent one.
    if (touched) listener({ kind: 'touched', ...touched })
    if (instance !== undefined) listener({ kind: 'changed', instance, action: event.action, atMs: event.atMs })
  }

  async #hearOfNetwork(event: NetworkEvent, listener: (event: EngineEvent) => void): Promise<void> {
    if (event.action === 'connect') this.#isolation.keepIsolated(event.containerId).catch(() => {})
    const touched = await this.#touches.ofNetwork(event, (id) => this.#runs(id))
    if (touched) listener({ kind: 'touched', ...touched })
  }

  /** False where that can't be known: a look will tell. */
  async #runs(id: string): Promise<boolean> {
    try {
      const answer = await this.#client.call('inspectContainer', { subject: id, accept: [404] })
      return answer.status !== 404 && parseAnswer(containerRecord, answer, `inspect ${id}`).State.Running
    } catch {
      return false
    }
  }

  async #followAnew(name: string): Promise<void> {
    const container = this.#sensor && (await this.#instances.own(name))
    if (container) await this.#sensor?.followToo(container, this.#sandboxes.lastLook)
  }

  /** What is done in it from here on is no touch, and is not refused. Answers the id of its container. */
  async #giveUp(name: string): Promise<string> {
    const { Id } = await this.#instances.requireOwn(name)
    this.#givenUp.add(Id)
    await this.#sensor?.passOver()
    return Id
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
    const { instances, passing } = await this.#observer.look({ isFresh: false, scope })
    const [instance] = instances
    if (instance) throw dataInUse(scope, `there is ${instance.name}`)
    await this.#passing.sweep(passing)
    return this.#data.discard(scope)
  }

  retain: Engine['retain'] = (digests) => this.#kept.retain(digests)

  present: Engine['present'] = (digests) => this.#kept.present(digests)

  describe: Engine['describe'] = (image) => this.#reader.describe(image)

  survey: Engine['survey'] = (scope) => this.#surveyor.survey(scope)

  /** Sandboxes left by an earlier controller are taken over before new ones are made. */
  async #haveLooked(): Promise<void> {
    this.#firstLook ??= this.observe().catch((error: unknown) => {
      this.#firstLook = undefined
      throw error
    })
    await this.#firstLook
  }
}

/** What the driver sees without any help. */
const ownSenses: readonly Sense[] = [
  { layer: 'events', state: 'works', detail: "what is done to an instance through the engine's socket" },
  { layer: 'inspection', state: 'works', detail: 'settings, limits, networks and names that are not as declared' },
]

function scopeOfSandbox({ scope }: SeenSandbox): Scope {
  return scope
}

function distinctScopes(scopes: readonly Scope[]): Scope[] {
  const byName = new Map(scopes.map((scope) => [scopeName(scope), scope]))
  return [...byName.keys()].toSorted().flatMap((name) => byName.get(name) ?? [])
}
