/** Brings mishaps about. */
import type { MemoryInstance, MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import type { MemoryProxy } from '../../src/router/memory/memory-proxy.ts'
import type { VirtualClock } from '../../src/system/virtual-clock.ts'
import type { FaultName } from './faults.ts'
import type { Hazards } from './hazards.ts'
import type { EventFault, Mishap } from './history.ts'
import type { Disturbance } from './invariants/invariant.ts'
import type { SimulatedProbe } from './simulated-probe.ts'
import type { Story } from './story.ts'
import type { Succession } from './succession.ts'

/** What mishaps befall. */
export interface Victims {
  readonly clock: VirtualClock
  readonly story: Story
  readonly hazards: Hazards
  readonly machine: MemoryMachine
  readonly proxy: MemoryProxy
  readonly probe: SimulatedProbe
  readonly succession: Succession
  readonly disturb: (disturbance: Disturbance) => void
  /** Whether a command waits for its answer. */
  readonly isBusy: () => boolean
}

/** An engine that restarts answers nothing for a while. */
const engineBootMs = 300

export class Misfortune {
  readonly #victims: Victims

  constructor(victims: Victims) {
    this.#victims = victims
  }

  strike(mishap: Mishap): void {
    const { hazards, machine, probe, succession } = this.#victims
    switch (mishap.kind) {
      case 'death':
        return this.#kill(mishap.pick, mishap.outOfMemory)
      case 'sickness':
        return void this.#sicken(mishap.pick, mishap.answer, mishap.forMs)
      case 'touch':
        return this.#touch(mishap)
      case 'touches':
        return this.#touchMany(mishap.share)
      case 'removal':
        return this.#befall(mishap.pick, 'an instance is removed by a stranger', ({ order }) =>
          machine.remove(order.name),
        )
      case 'stop':
        return this.#befall(
          mishap.pick,
          'an instance is stopped by a stranger',
          (instance) => void machine.stop(instance, mishap.graceMs),
        )
      case 'crash':
        return mishap.calls > 0 ? hazards.armCrash(mishap) : this.#crash(mishap)
      case 'crash-in-recovery':
        this.#crash(mishap)
        return hazards.armRecovery(mishap)
      case 'engine-calls':
        return hazards.armFaults('engine', mishap.fault, mishap.calls)
      case 'router-calls':
        return hazards.armFaults('router', mishap.fault, mishap.calls)
      case 'engine-away':
        hazards.count('the engine does not answer for a while')
        return void this.#for(mishap.forMs, (away) => (machine.reachable = !away))
      case 'router-away':
        hazards.count('the router does not answer for a while')
        return void this.#for(mishap.forMs, (away) => (hazards.routerIsAway = away))
      case 'engine-restart':
        return this.#restartEngine()
      case 'router-restart':
        return this.#restartRouter()
      case 'controller-restart':
        hazards.count('the controller is told to stop')
        return void succession.retire()
      case 'engine-late':
        return this.#seeLate('engine', mishap)
      case 'router-late':
        return this.#seeLate('router', mishap)
      case 'starts':
        return hazards.armStarts(mishap.calls)
      case 'images':
        return hazards.armImages(mishap.fault, mishap.calls)
      case 'events':
        return void this.#garbleEvents(mishap.fault, mishap.forMs)
      case 'disk-fails':
        return void this.#for(mishap.forMs, (bad) => (hazards.disk = bad ? mishap.fault : undefined))
      case 'disk-slow':
        this.#victims.disturb({ kind: 'late', byMs: mishap.byMs, forMs: mishap.forMs })
        return void this.#for(mishap.forMs, (slow) => (hazards.diskMs = slow ? mishap.byMs : 0))
      case 'store-reads':
        return hazards.armReads(mishap.calls)
      case 'clock-jump':
        hazards.count(mishap.byMs > 0 ? 'the wall clock jumps forwards' : 'the wall clock jumps backwards')
        hazards.clockOffsetMs += mishap.byMs
        return this.#victims.disturb({ kind: 'clock' })
      case 'probe-losses':
        return void this.#for(mishap.forMs, (lossy) => (probe.loses = lossy))
      case 'probe-timeouts':
        return void this.#loseSight(mishap.pick, mishap.forMs)
    }
  }

  #crash(how: { readonly finishing: boolean }): void {
    this.#victims.hazards.count('the controller is killed between two calls')
    this.#victims.succession.kill(how)
  }

  #kill(pick: number, outOfMemory: boolean): void {
    const fault = outOfMemory ? 'an instance runs out of memory' : 'an instance dies'
    this.#befall(pick, fault, ({ order }) => this.#victims.machine.die(order.name, { code: 137, outOfMemory }))
  }

  async #sicken(pick: number, answer: 'unhealthy' | 'silent', forMs: number): Promise<void> {
    const { machine, clock } = this.#victims
    const fault = answer === 'silent' ? 'an instance stops answering' : 'an instance turns unhealthy'
    let name = ''
    this.#befall(pick, fault, ({ order }) => machine.force((name = order.name), answer))
    await clock.sleep(forMs)
    machine.force(name, undefined)
  }

  async #loseSight(pick: number, forMs: number): Promise<void> {
    const { probe, clock } = this.#victims
    let instance: MemoryInstance | undefined
    const fault = 'a probe times out though the instance is well'
    this.#befall(pick, fault, (found) => probe.deaf.add((instance = found)), 'doubt')
    await clock.sleep(forMs)
    if (instance) probe.deaf.delete(instance)
  }

  #touch({ pick, how }: Mishap & { readonly kind: 'touch' }): void {
    const { machine } = this.#victims
    // Of some, nothing can be read.
    machine.isUnreadable = pick > 0.8
    if (how === 'pause')
      this.#befall(pick, 'an instance is halted by a stranger', ({ order }) => machine.pause(order.name))
    else if (how === 'update')
      this.#befall(pick, 'an instance is changed by a stranger', ({ order }) =>
        machine.alter(order.name, { resources: { ...order.spec.resources, pids: order.spec.resources.pids + 1 } }),
      )
    else this.#befall(pick, 'an instance is touched', ({ order }) => machine.touch(order.name, how))
  }

  #touchMany(share: number): void {
    const { machine, hazards, disturb } = this.#victims
    const running = [...machine.instances].filter(({ process }) => process && !process.exit)
    const touched = running.slice(0, Math.ceil(share * running.length))
    if (touched.length > 1) hazards.count('many instances are touched at once')
    for (const { order } of touched) {
      disturb({ kind: 'instance', instance: order.name })
      machine.touch(order.name)
    }
  }

  #restartEngine(): void {
    const { hazards, machine, disturb, isBusy } = this.#victims
    hazards.count(isBusy() ? 'the engine restarts under a command' : 'the engine restarts')
    disturb({ kind: 'all' })
    machine.restart()
    void this.#for(engineBootMs, (away) => (machine.reachable = !away))
  }

  #restartRouter(): void {
    const { hazards, proxy, disturb, isBusy } = this.#victims
    hazards.count(isBusy() ? 'the router restarts under a command' : 'the router restarts')
    disturb({ kind: 'all' })
    proxy.crash()
  }

  #seeLate(on: 'engine' | 'router', { byMs, forMs }: { readonly byMs: number; readonly forMs: number }): void {
    const { hazards, disturb } = this.#victims
    disturb({ kind: 'late', byMs, forMs })
    void this.#for(forMs, (late) => (hazards.sightMs[on] = late ? byMs : 0))
  }

  async #for(ms: number, turn: (on: boolean) => void): Promise<void> {
    turn(true)
    await this.#victims.clock.sleep(ms)
    turn(false)
    this.#victims.disturb({ kind: 'trouble' })
  }

  async #garbleEvents(fault: EventFault, forMs: number): Promise<void> {
    const { hazards, clock } = this.#victims
    hazards.events = fault
    await clock.sleep(forMs)
    if (hazards.events === fault) hazards.events = undefined
  }

  /** Does something to one of the instances that run. */
  #befall(
    pick: number,
    fault: FaultName,
    work: (instance: MemoryInstance) => void,
    kind: 'instance' | 'doubt' = 'instance',
  ): void {
    const { machine, story, hazards, disturb } = this.#victims
    const running = [...machine.instances].filter(({ process }) => process && !process.exit)
    const instance = running[Math.floor(pick * running.length)]
    if (!instance) return
    story.tell('mishap', `${instance.order.name}: ${fault}`)
    hazards.count(fault)
    disturb({ kind, instance: instance.order.name })
    work(instance)
  }
}
