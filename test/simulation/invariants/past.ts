/** What instances have shown so far, which tells what a controller may think of them now. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import { defaultLifetime, scopeName, type Scope } from '../../../src/model/stack.ts'
import { type FleetTruth, isFit, type WorldTruth } from '../fleet-truth.ts'
import { strikesInstances, type Disturbance } from './invariant.ts'

/** How long it may take to make one. */
const makingMs = 1_000
const provenAfterMs = 4_000
/** What was decided so long ago is known to whoever acts now. */
const unseenMs = 1_100
/** How long it takes at most until a controller has seen that an instance is dead or sick. */
const unseenHarmMs = 4_000

export class Past {
  /** Since when. */
  readonly #wereFit = new WeakMap<MemoryInstance, number>()
  readonly #faltered = new WeakSet<MemoryInstance>()
  readonly #lostFitness = new WeakMap<MemoryInstance, number>()
  readonly #areFit = new WeakSet<MemoryInstance>()
  readonly #wereRouted = new WeakSet<MemoryInstance>()
  readonly #condemned = new Set<string>()
  /** By scope name. */
  readonly #repavedAtMs = new Map<string, number>()
  readonly #letGoAtMs = new Map<string, number>()
  /** When something was decided last, by scope name. */
  readonly #changedAtMs = new Map<string, number>()
  #hasClockJumped = false
  #isAgeDoubtful = false
  #struckAtMs = -Infinity
  #disturbedAtMs = -Infinity
  #diedAtMs = -Infinity
  #late = { byMs: 0, untilMs: 0 }

  /** Somebody asked for a clean instance in its place. */
  condemn(instance: string): void {
    this.#condemned.add(instance)
  }

  /** All that there was, or was being made, in a scope. */
  repave(scope: Scope, nowMs: number): void {
    this.#repavedAtMs.set(scopeName(scope), nowMs)
  }

  /** Somebody asked for a clean one in its place, or it may be taken for as old as it may be. */
  isCondemned({ order, createdAtMs }: MemoryInstance, { wanted }: FleetTruth, nowMs: number): boolean {
    const lifetimeMs = (wanted?.lifetime ?? defaultLifetime).maxMs
    const repavedAtMs = this.#repavedAtMs.get(scopeName(order)) ?? -Infinity
    const isOld = this.#isAgeDoubtful || nowMs - createdAtMs >= lifetimeMs / 2
    return (
      isOld || this.#condemned.has(order.name) || createdAtMs <= repavedAtMs + makingMs + this.latenessMs(repavedAtMs)
    )
  }

  /** A controller was about to take it out of service, or did. */
  letGo(instance: string, nowMs: number): void {
    this.#letGoAtMs.set(instance, nowMs)
  }

  wasLetGo({ order, createdAtMs }: MemoryInstance): boolean {
    return (this.#letGoAtMs.get(order.name) ?? -Infinity) >= createdAtMs
  }

  /** What is decided for a scope, or how far a rollout of it has come, is other than it was. */
  change(scope: Scope, nowMs: number): void {
    this.#changedAtMs.set(scopeName(scope), nowMs)
  }

  /** Whether nothing changed of what is decided for so long that a controller acts on it, and none has died since. */
  isSettled(scope: Scope, nowMs: number): boolean {
    const sinceMs = Math.max(this.#changedAtMs.get(scopeName(scope)) ?? -Infinity, this.#diedAtMs)
    return nowMs - sinceMs >= unseenMs + this.latenessMs(nowMs)
  }

  /** Whether no instance was struck for so long that a controller has seen the last that was. */
  isUnharmed(nowMs: number): boolean {
    return nowMs - this.#struckAtMs >= unseenHarmMs + this.latenessMs(nowMs)
  }

  /** For how long nothing at all went wrong. */
  calmMs(nowMs: number): number {
    return nowMs - Math.max(this.#disturbedAtMs, ...this.#changedAtMs.values())
  }

  /** How much later than usual something may be seen, or come of what was seen. */
  latenessMs(nowMs: number): number {
    return nowMs <= this.#late.untilMs ? this.#late.byMs : 0
  }

  suffer(disturbance: Disturbance, { fleets, nowMs }: WorldTruth): void {
    this.#disturbedAtMs = nowMs
    if (disturbance.kind === 'controller') this.#diedAtMs = nowMs
    if (disturbance.kind === 'clock') this.#hasClockJumped = true
    // How old an instance is that another controller made is told by the time of day.
    if (disturbance.kind === 'controller') this.#isAgeDoubtful = this.#hasClockJumped
    if (strikesInstances(disturbance)) this.#struckAtMs = nowMs
    if (disturbance.kind === 'late') this.#beLate(disturbance.byMs, disturbance.forMs, nowMs)
    if (disturbance.kind !== 'doubt') return
    for (const { instances } of fleets)
      for (const instance of instances) if (instance.order.name === disturbance.instance) this.#faltered.add(instance)
  }

  note({ fleets, nowMs }: WorldTruth): void {
    for (const { instances, servers, wanted } of fleets)
      for (const instance of instances) {
        if (instance.isTouched) this.#faltered.add(instance)
        if (servers.some((server) => server.instance === instance.order.name)) this.#wereRouted.add(instance)
        this.#noteFitness(instance, nowMs, wanted?.rollout.deadlineMs ?? 0)
      }
  }

  wasFit(instance: MemoryInstance): boolean {
    return this.#wereFit.has(instance)
  }

  /** Was fit and then was not, or never became it: a controller may have given it up. */
  hasFaltered(instance: MemoryInstance): boolean {
    return this.#faltered.has(instance)
  }

  /** Is seen to be good for so long that a controller, too, must have seen it: in rotation, or by its probes. */
  isProven(instance: MemoryInstance, nowMs: number): boolean {
    if (this.#faltered.has(instance)) return false
    const fitSinceMs = this.#wereFit.get(instance) ?? Infinity
    return this.#wereRouted.has(instance) || nowMs - fitSinceMs >= provenAfterMs
  }

  /** When it was last seen to become unfit by itself. */
  lostFitnessAtMs(instance: MemoryInstance): number {
    return this.#lostFitness.get(instance) ?? -Infinity
  }

  wasRouted(instance: MemoryInstance): boolean {
    return this.#wereRouted.has(instance)
  }

  /** More than one lateness at a time adds up. */
  #beLate(byMs: number, forMs: number, nowMs: number): void {
    const before = this.latenessMs(nowMs)
    this.#late = { byMs: before + byMs, untilMs: Math.max(before && this.#late.untilMs, nowMs + forMs + before + byMs) }
  }

  #noteFit(instance: MemoryInstance, nowMs: number): void {
    this.#areFit.add(instance)
    if (!this.#wereFit.has(instance)) this.#wereFit.set(instance, nowMs)
  }

  #noteFitness(instance: MemoryInstance, nowMs: number, startLimitMs: number): void {
    if (isFit(instance)) return this.#noteFit(instance, nowMs)
    if (instance.process?.terminated) return
    if (this.#areFit.delete(instance)) {
      this.#lostFitness.set(instance, nowMs)
      this.#struckAtMs = nowMs
    }
    const startedAtMs = instance.process?.startedAtMs ?? instance.createdAtMs
    if (this.#wereFit.has(instance) || nowMs - startedAtMs >= startLimitMs) this.#faltered.add(instance)
  }
}
