/** Probes of a simulated world, some of which get lost on the way to an instance that is well. */
import type { MemoryInstance, MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import { MemoryProbe } from '../../src/probe/memory/memory-probe.ts'
import type { Probe, ProbeResult } from '../../src/probe/probe.ts'
import type { Address } from '../../src/model/address.ts'
import type { Health } from '../../src/model/version.ts'
import type { Clock } from '../../src/system/clock.ts'
import type { Hazards } from './hazards.ts'

/** One of so many is lost: never two in a row, and never so many that no two in a row arrive. */
const lostOneIn = 5

export class SimulatedProbe implements Probe {
  /** Whether single probes get lost. */
  loses = false
  /** Whom no probe reaches. */
  readonly deaf = new Set<MemoryInstance>()
  readonly #clock: Clock
  readonly #machine: MemoryMachine
  readonly #hazards: Hazards
  readonly #probe: MemoryProbe
  readonly #counts = new WeakMap<MemoryInstance, number>()

  constructor(clock: Clock, machine: MemoryMachine, hazards: Hazards) {
    this.#clock = clock
    this.#machine = machine
    this.#hazards = hazards
    this.#probe = new MemoryProbe(clock, machine)
  }

  async probe(address: Address, health: Health, signal: AbortSignal): Promise<ProbeResult> {
    const instance = this.#machine.holder(address)
    if (!instance || !this.#isLost(instance)) return this.#probe.probe(address, health, signal)
    await this.#clock.sleep(health.timeoutMs, signal).catch(() => undefined)
    return { healthy: false, answer: `no answer in ${health.timeoutMs} ms` }
  }

  /** No probe is lost any more. */
  calm(): void {
    this.loses = false
    this.deaf.clear()
  }

  #isLost(instance: MemoryInstance): boolean {
    if (this.deaf.has(instance)) return true
    if (!this.loses) return false
    const count = (this.#counts.get(instance) ?? 0) + 1
    this.#counts.set(instance, count)
    if (count % lostOneIn !== 0) return false
    this.#hazards.count('a single probe is lost')
    return true
  }
}
