/**
 * A machine in memory: instances, their processes and addresses, and all that can befall them. The memory engine is
 * the way in that the controller has; tests reach past it, as the world does.
 */
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import { fleetName, scopeName, type Scope } from '../../model/stack.ts'
import type { Touch, TouchKind } from '../../model/touch.ts'
import type { ImageDigest, VersionSpec } from '../../model/version.ts'
import type { Clock } from '../../system/clock.ts'
import type { EngineEvent, InstanceOrder } from '../engine.ts'
import { MemoryImages } from './memory-images.ts'
import { MemoryLog } from './memory-log.ts'
import { MemoryProcess, type Answer, type Behaviour, type ProcessEnd } from './memory-process.ts'
import { MemorySurroundings } from './memory-surroundings.ts'
import { MemoryVolumes } from './memory-volumes.ts'

export interface MemoryInstance {
  readonly owner: string
  order: InstanceOrder
  readonly behaviour: Behaviour
  readonly createdAtMs: number
  readonly log: MemoryLog
  /** Absent until it is started; kept after its end. */
  process?: MemoryProcess
  address?: Address
  /** Nothing reaches it any more. */
  isSealed?: true
  /** Somebody has reached it who is not the engine. */
  isTouched?: true
  /** For whoever watches: it is on the record as tainted. */
  isTainted?: true
}

const addressesPerScope = 65_000
const logLimit = 1000

export class MemoryMachine {
  readonly clock: Clock
  readonly images: MemoryImages
  readonly volumes = new MemoryVolumes()
  readonly surroundings = new MemorySurroundings()
  readonly #instances = new Map<string, MemoryInstance>()
  readonly #networks = new Map<string, Network>()
  readonly #listeners = new Set<Listener>()
  readonly #occupied = new Set<string>()
  readonly #exitCodes = new Map<string, number>()
  #networkCount = 0
  /** What is in its instances can't be read. */
  isUnreadable = false
  #restarts = 0
  #reachable = true

  constructor(clock: Clock, images = new MemoryImages()) {
    this.clock = clock
    this.images = images
  }

  // What befalls it.

  /** The process of `name` ends, by no wish of the engine. */
  die(name: string, end?: ProcessEnd): void {
    this.#instances.get(name)?.process?.kill(end)
  }

  /** What `name` answers from now on; undefined: what its behaviour says. */
  force(name: string, answer: Answer | undefined): void {
    const process = this.#instances.get(name)?.process
    if (process) process.forcedAnswer = answer
  }

  /** Someone halts a running instance. */
  pause(name: string): void {
    const process = this.#instances.get(name)?.process
    if (!process) return
    process.isPaused = true
    this.touch(name, 'pause')
  }

  /** Someone changes a running instance: its limits, say. */
  alter(name: string, change: Partial<VersionSpec>): void {
    const instance = this.#instances.get(name)
    if (!instance) return
    instance.order = { ...instance.order, spec: { ...instance.order.spec, ...change } }
    this.touch(name, 'update')
  }

  /** Someone does something to an instance that leaves it running. */
  touch(name: string, kind: TouchKind = 'exec'): void {
    const instance = this.#instances.get(name)
    if (!instance) return
    instance.isTouched = true
    this.#changed(name, kind)
    if (instance.isSealed) return
    const touch: Touch = { kind, layer: 'events', atMs: this.clock.now(), detail: `${kind} by someone` }
    this.#emit({ kind: 'touched', instance: name, touch }, instance.owner)
  }

  /** Something that belongs to no controller takes a name. */
  occupy(name: string): void {
    this.#occupied.add(name)
  }

  isOccupied(name: string): boolean {
    return this.#occupied.has(name)
  }

  /**
   * Every process ends, and calls under way fail; what was made stays. Addresses are handed out anew, from the first
   * one on.
   */
  restart(): void {
    this.#restarts++
    for (const instance of this.#instances.values()) {
      instance.process?.kill()
      delete instance.address
    }
    for (const network of this.#networks.values()) network.nextHost = 0
    this.loseEvents()
  }

  /** Every listener may have missed something. */
  loseEvents(): void {
    this.#emit({ kind: 'lost' })
  }

  /** How often the engine was restarted: calls that were under way then are lost. */
  get restarts(): number {
    return this.#restarts
  }

  /** Whether the engine answers. */
  get reachable(): boolean {
    return this.#reachable
  }

  set reachable(reachable: boolean) {
    const returns = reachable && !this.#reachable
    this.#reachable = reachable
    if (returns) this.loseEvents()
  }

  // What one sees in it.

  get instances(): Iterable<MemoryInstance> {
    return this.#instances.values()
  }

  /** The images that instances were made from. */
  get usedImages(): ReadonlySet<ImageDigest> {
    return new Set([...this.#instances.values()].map(({ order }) => order.spec.image))
  }

  scopes(owner: string): readonly Scope[] {
    return [...this.#networks.values()].filter((network) => network.owner === owner).map(({ scope }) => scope)
  }

  instance(name: string): MemoryInstance | undefined {
    return this.#instances.get(name)
  }

  /** How the last process of that name ended, also after its removal. */
  exitCode(name: string): number | undefined {
    return this.#exitCodes.get(name)
  }

  /** The instance that has this address now. */
  holder(address: Address): MemoryInstance | undefined {
    for (const instance of this.#instances.values())
      if (instance.address?.host === address.host && instance.address.port === address.port) return instance
    return undefined
  }

  /** What comes back from this address. */
  answer(address: Address): Answer {
    const holder = this.holder(address)
    if (holder?.isSealed) return 'silent'
    return holder?.process?.answer() ?? 'refused'
  }

  // What the engine does to it.

  add(owner: string, order: InstanceOrder): void {
    const existing = this.#instances.get(order.name)
    if (existing?.owner === owner && fleetName(existing.order) === fleetName(order)) return
    if (existing || this.#occupied.has(order.name)) throw nameTaken(order.name)
    const image = this.images.get(order.spec.image)
    if (!image) throw imageGone(order)
    this.volumes.ensure(owner, order)
    this.hold(owner, order)
    const behaviour = image.behaviour(order.spec)
    const log = new MemoryLog(logLimit)
    this.#instances.set(order.name, { owner, order, behaviour, createdAtMs: this.clock.now(), log })
    this.#changed(order.name, 'create')
  }

  run(instance: MemoryInstance): void {
    const { name, spec } = instance.order
    const process = new MemoryProcess(this.clock, instance.behaviour)
    instance.process = process
    if (spec.port !== null) instance.address = { host: this.#freeHost(instance), port: spec.port }
    for (const line of instance.behaviour.says) instance.log.append({ instance: name, atMs: this.clock.now(), ...line })
    this.#changed(name, 'start')
    void process.ended.then((exit) => this.#ended(instance, exit.code))
  }

  /** Ends the process; resolves when it has ended, whoever still waits for that. */
  async stop({ process }: MemoryInstance, graceMs: number): Promise<void> {
    await process?.stop(graceMs)
  }

  remove(name: string): void {
    const instance = this.#instances.get(name)
    if (!instance) return
    instance.process?.kill()
    instance.log.end()
    this.#changed(name, 'destroy')
    this.#instances.delete(name)
  }

  /** Makes the network of `scope`. */
  hold(owner: string, { stack, environment }: Scope): void {
    const key = networkKey(owner, { stack, environment })
    if (this.#networks.has(key)) return
    this.#networks.set(key, { owner, scope: { stack, environment }, number: this.#networkCount++, nextHost: 0 })
  }

  /** Removes the network of `scope`, unless an instance is in it. */
  release(owner: string, scope: Scope): void {
    const key = networkKey(owner, scope)
    for (const instance of this.#instances.values()) if (networkKey(instance.owner, instance.order) === key) return
    this.#networks.delete(key)
  }

  /** Calls `listener` for what happens to the owner's instances, until the returned function is called. */
  listen(owner: string, listener: (event: EngineEvent) => void): () => void {
    const entry = { owner, listener }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  #ended(instance: MemoryInstance, exitCode: number): void {
    const { name } = instance.order
    this.#exitCodes.set(name, exitCode)
    instance.log.end()
    if (this.#instances.get(name) === instance) this.#changed(name, 'die')
  }

  /** Until a restart addresses go round, so that one is taken again as late as can be. */
  #freeHost({ owner, order }: MemoryInstance): string {
    const network = this.#networks.get(networkKey(owner, order))
    if (!network) throw new Error(`no network for ${order.name}`)
    const taken = new Set([...this.#instances.values()].map((instance) => instance.address?.host))
    for (;;) {
      const host = network.nextHost
      network.nextHost = (host + 1) % addressesPerScope
      const address = `10.${network.number}.${host >> 8}.${host & 255}`
      if (!taken.has(address)) return address
    }
  }

  #changed(name: string, action: string): void {
    this.#emit({ kind: 'changed', instance: name, action, atMs: this.clock.now() }, this.#instances.get(name)?.owner)
  }

  /** Tells the owner's listeners; all of them where there is no owner. */
  #emit(event: EngineEvent, owner?: string): void {
    if (!this.#reachable) return
    for (const entry of this.#listeners)
      if (owner === undefined || entry.owner === owner) queueMicrotask(() => entry.listener(event))
  }
}

interface Listener {
  readonly owner: string
  readonly listener: (event: EngineEvent) => void
}

interface Network {
  readonly owner: string
  readonly scope: Scope
  readonly number: number
  nextHost: number
}

function networkKey(owner: string, scope: Scope): string {
  return `${owner} ${scopeName(scope)}`
}

function nameTaken(name: string): RepaveError {
  return new RepaveError('NAME_TAKEN', `the name ${name} belongs to an instance of someone else`, {
    hint: 'remove that instance, or name the stack or service otherwise',
  })
}

function imageGone({ name, spec }: InstanceOrder): RepaveError {
  return new RepaveError('IMAGE_NOT_FOUND', `the image ${spec.image} of ${name} is not there`, {
    hint: 'run `repave up` again, which prepares it',
  })
}
