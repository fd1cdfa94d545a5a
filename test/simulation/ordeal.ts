/** What a call of the controller goes through until it is done: delays and failures of whom it asks. */
import type { Clock } from '../../src/system/clock.ts'
import { injectedFailure, routerAway, type Fault, type Hazards } from './hazards.ts'
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
    if (call.nature === 'record' && hazards.diskMs > 0) await this.#wait(hazards.diskMs)
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

  async #carryOut<Result>(fault: Fault | undefined, call: Call, run: () => Promise<Result>): Promise<Result> {
    switch (fault) {
      case undefined:
        return run()
      case 'error':
      case 'broken':
        throw injectedFailure(call, fault)
      case 'reported':
        await run()
        throw injectedFailure(call, fault)
      case 'slow':
        await this.#wait(slowMs)
        return run()
      case 'hang':
        await this.#world.clock.sleep(hangMs)
        throw injectedFailure(call, fault)
    }
  }

  async #beSeenLate({ on }: Call): Promise<void> {
    const { hazards, clock } = this.#world
    const lateMs = on === 'engine' || on === 'router' ? hazards.sightMs[on] : 0
    if (lateMs === 0) return
    hazards.count(on === 'engine' ? 'the engine is seen late' : 'the router is seen late')
    await clock.sleep(lateMs)
  }

  /** Takes its time; where the controller is gone before that is over, nothing is done. */
  async #wait(ms: number): Promise<void> {
    await this.#world.clock.sleep(ms)
    if (this.#life.gone.signal.aborted) await never()
  }
}

export function never(): Promise<never> {
  return new Promise(() => undefined)
}
