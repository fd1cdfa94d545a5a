/** Promise 4: one that is on the record as tainted gets no further request, and goes for good. */
import type { MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { Call } from '../seams.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

/** How long it may take until one is out of rotation while nothing else is wrong. */
const mostMs = 3_000
/** Until the next controller has come, where one has died; and until what failed is tried again. */
const mostAfterTroubleMs = 20_000

export class TaintMonitor implements Monitor {
  readonly #machine: MemoryMachine
  readonly #past: Past
  /** Since when each is tainted. */
  readonly #sinceMs = new Map<string, number>()
  /** How often the router is being asked to take each out. */
  readonly #asked = new Map<string, number>()
  #diedAtMs = -Infinity
  #failedAtMs = -Infinity

  constructor(machine: MemoryMachine, past: Past) {
    this.#machine = machine
    this.#past = past
  }

  onDisturbance({ kind }: Disturbance, { nowMs }: WorldTruth): void {
    if (kind !== 'controller') return
    this.#diedAtMs = nowMs
    this.#asked.clear()
  }

  onCall({ on, verb, subject }: Call): void {
    if (on === 'router' && verb === 'remove') this.#asked.set(subject, (this.#asked.get(subject) ?? 0) + 1)
    if (on !== 'router' || verb !== 'add' || !this.#machine.instance(subject)?.isTainted) return
    throw new ViolationError('touched is dead', `${subject} is tainted, and is brought into rotation`)
  }

  /** What can't be recorded is not done. */
  onCallEnd({ on, verb, subject }: Call, outcome: 'done' | 'failed', { nowMs }: WorldTruth): void {
    if (on === 'router' && verb === 'remove') this.#asked.set(subject, (this.#asked.get(subject) ?? 1) - 1)
    if (outcome === 'failed') this.#failedAtMs = nowMs
  }

  onStep({ fleets, nowMs }: WorldTruth): void {
    for (const { instances, servers } of fleets)
      for (const { order, createdAtMs, isTainted } of instances) {
        // A router that takes long for it was asked.
        if (!isTainted || (this.#asked.get(order.name) ?? 0) > 0) continue
        const identity = `${order.name}@${createdAtMs}`
        const markedAtMs = this.#sinceMs.get(identity) ?? nowMs
        this.#sinceMs.set(identity, markedAtMs)
        const isTroubled = Math.max(this.#diedAtMs, this.#failedAtMs) >= markedAtMs
        const sinceMs = Math.max(markedAtMs, this.#failedAtMs)
        const isRouted = servers.some(({ instance, state }) => instance === order.name && state !== 'draining')
        const dueMs = (isTroubled ? mostAfterTroubleMs : mostMs) + this.#past.latenessMs(nowMs)
        if (isRouted && nowMs - sinceMs > dueMs && this.#past.calmMs(nowMs) > dueMs)
          throw new ViolationError('touched is dead', `${order.name} is tainted, and still in rotation`)
      }
  }
}
