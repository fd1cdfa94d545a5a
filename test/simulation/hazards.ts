/** What is lying in wait: crashes and faults that are armed and have not struck yet. */
import { RepaveError } from '../../src/errors.ts'
import { callFaultNames, crashName, diskFaultNames, type FaultName } from './faults.ts'
import type { CallFault, Crash, DiskFault, EventFault, ImageFault, RecoveryCrash } from './history.ts'
import type { Call } from './seams.ts'

interface Armed<What> {
  readonly fault: What
  left: number
}

export type Fault = CallFault | DiskFault

export class Hazards {
  readonly #onStrike: (fault: FaultName) => void
  /** How often each kind has struck. */
  readonly struck = new Map<FaultName, number>()
  events: EventFault | undefined
  /** It serves, but can't be driven. */
  routerIsAway = false
  disk: DiskFault | undefined
  /** How long a record takes. */
  diskMs = 0
  /** How far the controller's wall clock is from that of the world. */
  clockOffsetMs = 0
  /** How old what is seen of engine and router is when it is told. */
  readonly sightMs = { engine: 0, router: 0 }
  readonly #calls = new Map<Call['on'], Armed<CallFault>>()
  #starts = 0
  #reads = 0
  #images: Armed<ImageFault> | undefined
  #crash: Armed<Crash> | undefined
  #recovery: Armed<RecoveryCrash> | undefined

  constructor(onStrike: (fault: FaultName) => void) {
    this.#onStrike = onStrike
  }

  armCrash(crash: Crash): void {
    this.#crash = { fault: crash, left: crash.calls }
  }

  /** The next so many lives end early. */
  armRecovery(crash: RecoveryCrash): void {
    this.#recovery = { fault: crash, left: crash.times }
  }

  armFaults(on: Call['on'], fault: CallFault, calls: number): void {
    this.#calls.set(on, { fault, left: calls })
  }

  armStarts(calls: number): void {
    this.#starts = calls
  }

  armReads(calls: number): void {
    this.#reads = calls
  }

  armImages(fault: ImageFault, calls: number): void {
    this.#images = { fault, left: calls }
  }

  /** The wall clock stays as wrong as it is. */
  disarm(): void {
    this.#calls.clear()
    this.#starts = 0
    this.#reads = 0
    this.#images = undefined
    this.#crash = undefined
    this.#recovery = undefined
    this.events = undefined
    this.routerIsAway = false
    this.disk = undefined
    this.diskMs = 0
    Object.assign(this.sightMs, { engine: 0, router: 0 })
  }

  /** The crash that strikes at this call, which is the so many-th of its life. */
  crashAt(call: Call, ordinal: number): Pick<Crash, 'when' | 'finishing' | 'meanwhile'> | undefined {
    return this.#recoveryCrashAt(call, ordinal) ?? this.#crashAt(call)
  }

  /** The fault that this call suffers. */
  faultAt(call: Call): Fault | undefined {
    switch (call.nature) {
      case 'record':
        return this.#diskFault()
      case 'act':
        return call.verb === 'start' && this.#starts > 0 ? this.#startFault() : this.#callFault(call)
      case 'look':
        return call.on === 'store' ? this.#readFault() : call.verb === 'prepare' ? this.#imageFault() : undefined
    }
  }

  count(name: FaultName): void {
    this.struck.set(name, (this.struck.get(name) ?? 0) + 1)
    this.#onStrike(name)
  }

  #crashAt(call: Call): Crash | undefined {
    if (!this.#crash || call.nature === 'look' || --this.#crash.left > 0) return undefined
    const { fault } = this.#crash
    this.#crash = undefined
    this.count(crashName(fault.when, call))
    return fault
  }

  #recoveryCrashAt(call: Call, ordinal: number): RecoveryCrash | undefined {
    if (!this.#recovery || ordinal !== this.#recovery.fault.calls) return undefined
    const { fault } = this.#recovery
    if (--this.#recovery.left === 0) this.#recovery = undefined
    this.count(crashName(fault.when, { ...call, nature: 'look' }))
    return fault
  }

  #callFault({ on }: Call): CallFault | undefined {
    const armed = this.#calls.get(on)
    if (!armed || on === 'store' || on === 'ledger') return undefined
    if (--armed.left === 0) this.#calls.delete(on)
    this.count(callFaultNames[on][armed.fault])
    return armed.fault
  }

  #startFault(): CallFault {
    this.#starts--
    this.count('a start fails and may be tried again')
    return 'error'
  }

  #readFault(): CallFault | undefined {
    if (this.#reads === 0) return undefined
    this.#reads--
    this.count('the store can not be read')
    return 'error'
  }

  #imageFault(): ImageFault | undefined {
    if (!this.#images) return undefined
    const { fault } = this.#images
    if (--this.#images.left === 0) this.#images = undefined
    this.count(fault === 'hang' ? 'an image takes long and can not be prepared' : 'an image can not be prepared')
    return fault
  }

  #diskFault(): DiskFault | undefined {
    if (this.disk) this.count(diskFaultNames[this.disk])
    if (this.diskMs > 0) this.count('the disk is slow')
    return this.disk
  }
}

export function injectedFailure(call: Call, fault: Fault): RepaveError {
  const storeCode = call.nature === 'look' || fault === 'broken' ? 'STORE_FAILED' : 'DISK_FULL'
  const code = call.on === 'engine' ? 'ENGINE_FAILED' : call.on === 'router' ? 'ROUTER_FAILED' : storeCode
  return new RepaveError(code, `the simulated ${call.on} fails to ${call.verb} ${call.subject}`, { hint: 'try again' })
}

export function routerAway(): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', 'the simulated router does not answer', {
    hint: 'wait until it is back',
  })
}
