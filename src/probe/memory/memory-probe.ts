/** A probe of instances that exist only in memory. */
import type { Address } from '../../model/address.ts'
import type { Health } from '../../model/version.ts'
import type { Clock } from '../../system/clock.ts'
import type { Probe, ProbeResult } from '../probe.ts'

/** What comes back from an address: `silent` leaves the caller waiting. */
export interface AnsweringWorld {
  answer(address: Address): 'healthy' | 'unhealthy' | 'silent' | 'refused'
}

export class MemoryProbe implements Probe {
  readonly #clock: Clock
  readonly #world: AnsweringWorld
  readonly #latencyMs: number

  /** Each answer takes `latencyMs`. */
  constructor(clock: Clock, world: AnsweringWorld, latencyMs = 0) {
    this.#clock = clock
    this.#world = world
    this.#latencyMs = latencyMs
  }

  async probe(address: Address, health: Health, signal: AbortSignal): Promise<ProbeResult> {
    try {
      if (this.#latencyMs > 0) await this.#clock.sleep(this.#latencyMs, signal)
      return await this.#ask(address, health, signal)
    } catch {
      return { healthy: false, answer: 'given up' }
    }
  }

  async #ask(address: Address, health: Health, signal: AbortSignal): Promise<ProbeResult> {
    signal.throwIfAborted()
    switch (this.#world.answer(address)) {
      case 'healthy':
        return { healthy: true, answer: health.kind === 'http' ? 'HTTP 200' : 'connected' }
      case 'unhealthy':
        return { healthy: false, answer: health.kind === 'http' ? 'HTTP 503' : 'connection reset' }
      case 'refused':
        return { healthy: false, answer: 'connection refused' }
      case 'silent':
        await this.#clock.sleep(health.timeoutMs, signal)
        return { healthy: false, answer: `no answer in ${health.timeoutMs} ms` }
    }
  }
}
