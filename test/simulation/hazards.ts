/** What is lying in wait: crashes and faults that are armed and have not struck yet. */
import { RepaveError } from '../../src/errors.ts'
import type { CallFault, Crash, DiskFault, EventFault } from './history.ts'
import type { Call } from './seams.ts'

export class Hazards {
  /** How often each kind has struck. */
  readonly struck = new Map<string, number>()
  events: EventFault | undefined
  /** It serves, but can't be driven. */
  routerIsAway = false
  fullDisk: DiskFault | undefined
  readonly #faults = new Map<Call['on'], { readonly fault: CallFault; left: number }>()
  #crash: { readonly crash: Crash; left: number } | undefined

  armCrash(crash: Crash): void {
    this.#crash = { crash, left: crash.calls }
  }

  armFaults(on: Call['on'], fault: CallFault, calls: number): void {
    this.#faults.set(on, { fault, left: calls })
  }

  disarm(): void {
    this.#faults.clear()
    this.#crash = undefined
    this.events = undefined
    this.routerIsAway = false
    this.fullDisk = undefined
  }

  /** The crash that strikes at this call. */
  crashAt(call: Call): Crash | undefined {
    if (!this.#crash || call.nature === 'look' || --this.#crash.left > 0) return undefined
    const { crash } = this.#crash
    this.#crash = undefined
    return crash
  }

  /** The fault that this call suffers. */
  faultAt(call: Call): CallFault | undefined {
    if (call.nature === 'record') return this.#diskFault()
    const armed = call.nature === 'act' ? this.#faults.get(call.on) : undefined
    if (!armed) return undefined
    if (--armed.left === 0) this.#faults.delete(call.on)
    this.count(`${call.on} call: ${armed.fault}`)
    return armed.fault
  }

  #diskFault(): CallFault | undefined {
    if (this.fullDisk) this.count(`store call: ${this.fullDisk}`)
    return this.fullDisk
  }

  count(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1)
  }
}

export function injectedFailure(call: Call): RepaveError {
  const code = call.on === 'engine' ? 'ENGINE_FAILED' : call.on === 'router' ? 'ROUTER_FAILED' : 'DISK_FULL'
  return new RepaveError(code, `the simulated ${call.on} fails to ${call.verb} ${call.subject}`, { hint: 'try again' })
}

export function routerAway(): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', 'the simulated router does not answer', {
    hint: 'wait until it is back',
  })
}
