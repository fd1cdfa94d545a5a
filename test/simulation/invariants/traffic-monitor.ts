/**
 * Promise 3, traffic: a request goes to an instance that is fit and meant, and no instance is told to end while the
 * router still has requests for it.
 */
import type { MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import { poolName } from '../../../src/router/router.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import { isFit, readyIn, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import type { Call } from '../seams.ts'
import type { Past } from './past.ts'
import { strikesInstances, ViolationError, type Disturbance, type Monitor } from './invariant.ts'

/** How long it takes at most until a controller has seen that an instance is dead or sick. */
const unseenMs = 4_000
/** Longer than any call of a dead controller needs to show in the world, where it goes on. */
const lingerMs = 10

export class TrafficMonitor implements Monitor {
  readonly #machine: MemoryMachine
  readonly #past: Past
  readonly #sessions = new Set<MemorySession>()
  /** When the router was asked to let go of an instance. */
  readonly #removedAtMs = new Map<string, number>()
  readonly #addedAtMs = new Map<string, number>()
  #diedAtMs = -Infinity
  /** The shortest drain that each fleet was ever given. */
  readonly #drainMs = new Map<string, number>()
  #excusedUntilMs = 0

  constructor(machine: MemoryMachine, past: Past) {
    this.#machine = machine
    this.#past = past
  }

  onDecision({ release }: ReleaseRecord): void {
    for (const [service, { drainMs }] of Object.entries(release.services)) {
      const pool = poolName({ ...release, service })
      this.#drainMs.set(pool, Math.min(drainMs, this.#drainMs.get(pool) ?? Infinity))
    }
  }

  onDisturbance(disturbance: Disturbance, { nowMs }: WorldTruth): void {
    if (strikesInstances(disturbance)) this.#excusedUntilMs = nowMs + unseenMs + this.#past.latenessMs(nowMs)
    if (disturbance.kind === 'all') this.#sessions.clear()
    if (disturbance.kind === 'controller') this.#diedAtMs = nowMs
  }

  onCall({ on, verb, subject }: Call, truth: WorldTruth): void {
    if (on === 'router' && verb === 'remove' && !this.#removedAtMs.has(subject))
      this.#removedAtMs.set(subject, truth.nowMs)
    if (on === 'router' && verb === 'add') this.#noteAdd(subject, truth.nowMs)
    if (on !== 'engine' || verb !== 'destroy') return
    const instance = this.#machine.instance(subject)
    if (!instance || !isFit(instance)) return
    const server = truth.fleets.flatMap(({ servers }) => servers).find((each) => each.instance === subject)
    if (server && !this.#isJustAdded(subject, truth.nowMs))
      throw new ViolationError('no request lost', `${subject} is destroyed while the router has it (${server.state})`)
  }

  #noteAdd(subject: string, nowMs: number): void {
    this.#removedAtMs.delete(subject)
    this.#addedAtMs.set(subject, nowMs)
  }

  /** By a call of a controller that is dead, of which the next one can't have heard. */
  #isJustAdded(subject: string, nowMs: number): boolean {
    const isOfTheDead = (this.#addedAtMs.get(subject) ?? Infinity) <= this.#diedAtMs
    return isOfTheDead && nowMs - this.#diedAtMs <= lingerMs
  }

  onStep({ nowMs }: WorldTruth): void {
    for (const session of this.#sessions) if (session.cut) this.#judgeCut(session, nowMs)
  }

  onRequest(pool: string, session: MemorySession | undefined, truth: WorldTruth): void {
    const fleet = truth.fleets.find(({ key }) => poolName(key) === pool)
    if (!fleet) return
    if (session) this.#judgeTarget(session, fleet, truth.nowMs)
    else if (readyIn(fleet, truth.leaving).length > 0)
      throw new ViolationError('no request lost', `a request for ${pool} found no server`)
  }

  onEnd(session: MemorySession): void {
    this.#sessions.delete(session)
  }

  #judgeTarget(session: MemorySession, { key }: FleetTruth, nowMs: number): void {
    const holder = this.#machine.holder(session.address)
    if (!holder) return
    const { name, service } = holder.order
    if (name !== session.instance && service !== key.service && !this.#isSeenLate(nowMs))
      throw new ViolationError('no request lost', `a request for ${session.instance} reached ${name}`)
    if (!isFit(holder) && !this.#past.wasFit(holder) && nowMs > this.#excusedUntilMs)
      throw new ViolationError('no request lost', `a request reached ${name}, which was never healthy`)
    this.#sessions.add(session)
  }

  /** Who sees an engine as it was before it restarted can't know that addresses are free again. */
  #isSeenLate(nowMs: number): boolean {
    return nowMs <= this.#excusedUntilMs && this.#past.latenessMs(nowMs) > 0
  }

  /** A request may be cut when its instance has died, or when its drain has passed. */
  #judgeCut(session: MemorySession, nowMs: number): void {
    this.#sessions.delete(session)
    const { instance: name, pool, address } = session
    const instance = this.#machine.holder(address)
    if (!instance || instance.order.name !== name || !isFit(instance) || this.#past.hasFaltered(instance)) return
    const drainMs = this.#drainMs.get(pool) ?? 0
    const drainedMs = nowMs - (this.#removedAtMs.get(name) ?? nowMs)
    if (drainedMs < drainMs)
      throw new ViolationError(
        'no request lost',
        `a request to ${name} is cut after ${drainedMs} of ${drainMs} ms of drain`,
      )
  }
}
