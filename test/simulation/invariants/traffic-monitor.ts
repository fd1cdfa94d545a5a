/**
 * Promise 3, traffic: a request goes to an instance that is fit and meant, and no instance is told to end while the
 * router still has requests for it.
 */
import type { MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import { poolName } from '../../../src/router/router.ts'
import { isFit, readyIn, type WorldTruth } from '../fleet-truth.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

/** How long it takes at most until a controller has seen that an instance is dead or sick. */
const unseenMs = 6_000

export class TrafficMonitor implements Monitor {
  readonly #machine: MemoryMachine
  readonly #wereFit = new WeakSet<object>()
  #excusedUntilMs = 0

  constructor(machine: MemoryMachine) {
    this.#machine = machine
  }

  onDisturbance(disturbance: Disturbance, { nowMs }: WorldTruth): void {
    if (disturbance.kind !== 'controller') this.#excusedUntilMs = nowMs + unseenMs
  }

  onCall({ on, verb, subject }: Call, { fleets }: WorldTruth): void {
    if (on !== 'engine' || verb !== 'destroy') return
    const instance = this.#machine.instance(subject)
    if (!instance || !isFit(instance)) return
    const server = fleets.flatMap(({ servers }) => servers).find((each) => each.instance === subject)
    if (server)
      throw new ViolationError('no request lost', `${subject} is destroyed while the router has it (${server.state})`)
  }

  onStep({ fleets }: WorldTruth): void {
    for (const { instances } of fleets)
      for (const instance of instances) if (isFit(instance)) this.#wereFit.add(instance)
  }

  onRequest(pool: string, session: MemorySession | undefined, truth: WorldTruth): void {
    const fleet = truth.fleets.find(({ key }) => poolName(key) === pool)
    if (!fleet) return
    if (!session) {
      const ready = readyIn(fleet, truth.leaving)
      if (ready.length > 0) throw new ViolationError('no request lost', `a request for ${pool} found no server`)
      return
    }
    const holder = this.#machine.holder(session.address)
    if (!holder) return
    const { name, service } = holder.order
    if (name !== session.instance && service !== fleet.key.service)
      throw new ViolationError('no request lost', `a request for ${session.instance} reached ${name}`)
    if (!isFit(holder) && !this.#wereFit.has(holder) && truth.nowMs > this.#excusedUntilMs)
      throw new ViolationError('no request lost', `a request reached ${name}, which was never healthy`)
  }
}
