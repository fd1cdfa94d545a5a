/** What a call of the controller goes through until it is done: delays and failures of whom it asks. */
import type { Clock } from '../../src/system/clock.ts'
import type { CallFault } from './history.ts'
import { injectedFailure, routerAway, type Hazards } from './hazards.ts'
import type { Call } from './seams.ts'
import type { Story } from './story.ts'

const routerLatencyMs = 2
const slowMs = 3_000
const hangMs = 9_000

/** What a life is in the middle of. */
export interface Surroundings {
  readonly clock: Clock
  readonly hazards: Hazards
  readonly story: Story
}

interface Ends {
  /** Aborts when the controller is gone. */
  readonly gone: AbortController
  /** Aborts when it is gone, and what it had asked for is lost with it. */
  readonly lost: AbortController
}

export class Ordeal {
  readonly #world: Surroundings
  readonly #life: Ends

  constructor(world: Surroundings, life: Ends) {
    this.#world = world
    this.#life = life
  }

  async suffer<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
    if (call.on === 'router') await this.#reachRouter(call)
    const { hazards, story } = this.#world
    const fault = hazards.faultAt(call)
    if (fault) story.tell('mishap', `${call.on} ${call.verb} ${call.subject}: ${fault}`)
    if (call.nature === 'record' && hazards.diskMs > 0) await this.#wait(hazards.diskMs, this.#life.lost)
    const result = await this.#carryOut(fault, call, run)
    if (call.verb === 'observe') await this.#beSeenLate(call)
    return result
  }

  /** The memory router takes no time and is always there; a real one is a process of its own. */
  async #reachRouter(call: Call): Promise<void> {
    if (call.nature === 'act') await this.#world.clock.sleep(routerLatencyMs)
    if (this.#life.lost.signal.aborted) await never()
    if (this.#world.hazards.routerIsAway) throw routerAway()
  }

  async #carryOut<Result>(fault: CallFault | undefined, call: Call, run: () => Promise<Result>): Promise<Result> {
    switch (fault) {
      case undefined:
        return run()
      case 'error':
        throw injectedFailure(call)
      case 'reported':
        await run()
        throw injectedFailure(call)
      case 'slow':
        await this.#wait(slowMs, this.#life.gone)
        return run()
      case 'hang':
        await this.#world.clock.sleep(hangMs)
        throw injectedFailure(call)
    }
  }

  async #beSeenLate({ on }: Call): Promise<void> {
    const { hazards, clock } = this.#world
    const lateMs = on === 'store' ? 0 : hazards.sightMs[on]
    if (lateMs === 0) return
    hazards.count(on === 'engine' ? 'the engine is seen late' : 'the router is seen late')
    await clock.sleep(lateMs)
  }

  /** Takes its time, unless `end` comes first: nothing is done then. */
  async #wait(ms: number, end: AbortController): Promise<void> {
    await this.#world.clock.sleep(ms)
    if (end.signal.aborted) await never()
  }
}

export function never(): Promise<never> {
  return new Promise(() => undefined)
}
