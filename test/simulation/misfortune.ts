/** Brings mishaps about. */
import type { MemoryMachine } from '../../src/engine/memory/memory-machine.ts'
import type { MemoryProxy } from '../../src/router/memory/memory-proxy.ts'
import type { VirtualClock } from '../../src/system/virtual-clock.ts'
import type { Hazards } from './hazards.ts'
import type { EventFault, Mishap } from './history.ts'
import type { Disturbance } from './invariants/invariant.ts'
import type { Story } from './story.ts'
import type { Succession } from './succession.ts'

/** What mishaps befall. */
export interface Victims {
  readonly clock: VirtualClock
  readonly story: Story
  readonly hazards: Hazards
  readonly machine: MemoryMachine
  readonly proxy: MemoryProxy
  readonly succession: Succession
  readonly disturb: (disturbance: Disturbance) => void
}

/** An engine that restarts answers nothing for a while. */
const engineBootMs = 300

export class Misfortune {
  readonly #victims: Victims

  constructor(victims: Victims) {
    this.#victims = victims
  }

  strike(mishap: Mishap): void {
    const { hazards, machine, proxy, succession, disturb } = this.#victims
    switch (mishap.kind) {
      case 'death':
        return this.#kill(mishap.pick, mishap.outOfMemory)
      case 'sickness':
        return void this.#sicken(mishap.pick, mishap.answer, mishap.forMs)
      case 'crash':
        return mishap.calls > 0 ? hazards.armCrash(mishap) : succession.kill(mishap)
      case 'engine-calls':
        return hazards.armFaults('engine', mishap.fault, mishap.calls)
      case 'router-calls':
        return hazards.armFaults('router', mishap.fault, mishap.calls)
      case 'engine-away':
        return void this.#away((away) => (machine.reachable = !away), mishap.forMs)
      case 'router-away':
        return void this.#away((away) => (hazards.routerIsAway = away), mishap.forMs)
      case 'engine-restart':
        disturb({ kind: 'all' })
        machine.restart()
        return void this.#away((away) => (machine.reachable = !away), engineBootMs)
      case 'router-restart':
        disturb({ kind: 'all' })
        return proxy.crash()
      case 'controller-restart':
        return void succession.retire()
      case 'events':
        return void this.#garbleEvents(mishap.fault, mishap.forMs)
      case 'disk-full':
        return void this.#away((full) => (hazards.fullDisk = full ? mishap.fault : undefined), mishap.forMs)
    }
  }

  #kill(pick: number, outOfMemory: boolean): void {
    const { machine, story, disturb } = this.#victims
    const name = this.#pickRunning(pick)
    if (!name) return
    story.tell('mishap', `${name} dies`)
    disturb({ kind: 'instance', instance: name })
    machine.die(name, { code: 137, outOfMemory })
  }

  async #sicken(pick: number, answer: 'unhealthy' | 'silent', forMs: number): Promise<void> {
    const { machine, story, clock, disturb } = this.#victims
    const name = this.#pickRunning(pick)
    if (!name) return
    story.tell('mishap', `${name} is ${answer}`)
    disturb({ kind: 'instance', instance: name })
    machine.force(name, answer)
    await clock.sleep(forMs)
    machine.force(name, undefined)
  }

  async #away(turn: (away: boolean) => void, forMs: number): Promise<void> {
    turn(true)
    await this.#victims.clock.sleep(forMs)
    turn(false)
  }

  async #garbleEvents(fault: EventFault, forMs: number): Promise<void> {
    const { hazards, clock } = this.#victims
    hazards.events = fault
    await clock.sleep(forMs)
    if (hazards.events === fault) hazards.events = undefined
  }

  #pickRunning(pick: number): string | undefined {
    const names = [...this.#victims.machine.instances]
      .filter(({ process }) => process && !process.exit)
      .map(({ order }) => order.name)
    return names[Math.floor(pick * names.length)]
  }
}
