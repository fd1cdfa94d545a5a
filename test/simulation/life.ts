/**
 * One life of a controller. When it is over, nothing of it reaches the world any more and nothing comes back to it:
 * its calls and its sleeps never return, as those of a killed process.
 */
import type { Clock } from '../../src/system/clock.ts'
import { injectedFailure, routerAway, type Hazards } from './hazards.ts'
import type { CallFault, Crash } from './history.ts'
import type { Around, Call, Deliver } from './seams.ts'
import type { Story } from './story.ts'

const routerLatencyMs = 2
const slowMs = 3_000
const hangMs = 9_000
const reorderedByMs = 1_500

/** Hears of every call that acts: when it is made, and when it has ended well or badly. */
export interface CallListener {
  onCall(call: Call): void
  onCallEnd(call: Call, outcome: 'done' | 'failed'): void
}

export class Life {
  readonly clock: Clock
  /** Aborts with this life. */
  readonly gone = new AbortController()
  /** Aborts with this life where also what it had asked for is lost. */
  readonly lost = new AbortController()
  readonly over: Promise<void>
  readonly #world: Clock
  readonly #hazards: Hazards
  readonly #story: Story
  readonly #listener: CallListener
  readonly #end: () => void
  #isOver = false
  #events = 0

  constructor(world: Clock, hazards: Hazards, story: Story, listener: CallListener) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#world = world
    this.#hazards = hazards
    this.#story = story
    this.#listener = listener
    this.over = promise
    this.#end = resolve
    this.clock = { now: () => world.now(), sleep: (ms, signal) => this.whileAlive(() => world.sleep(ms, signal)) }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(how: Pick<Crash, 'finishing'>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.gone.abort()
    if (!how.finishing) this.lost.abort()
    this.#end()
  }

  readonly around: Around = async (call, run) => {
    if (this.#isOver) return never()
    const crash = this.#hazards.crashAt(call)
    if (crash?.when === 'before') return this.#crash(call, crash)
    return this.whileAlive(async () => {
      try {
        return await this.#listenedTo(call, () => this.#suffer(call, run))
      } finally {
        if (crash && !this.#isOver) void this.#crash(call, crash)
      }
    })
  }

  readonly deliver: Deliver = (hear) => {
    const { events } = this.#hazards
    const hearIfAlive = () => {
      if (!this.#isOver) hear()
    }
    if (events) this.#hazards.count(`event: ${events}`)
    if (events === 'lost') return
    if (events === 'reordered' && this.#events++ % 2 === 0)
      return void this.clock.sleep(reorderedByMs).then(hearIfAlive)
    hearIfAlive()
    if (events === 'doubled') hearIfAlive()
  }

  /** What `run` brings, as long as there is someone to hear of it. */
  async whileAlive<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#isOver) return never()
    const [outcome] = await Promise.allSettled([run()])
    if (this.#isOver) return never()
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }

  #crash(call: Call, crash: Crash): Promise<never> {
    this.#hazards.count(`crash ${crash.when} ${call.verb}`)
    this.#story.tell('mishap', `the controller is killed ${crash.when} ${call.on} ${call.verb} ${call.subject}`)
    this.end(crash)
    return never()
  }

  async #listenedTo<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
    if (call.nature !== 'act') return run()
    this.#listener.onCall(call)
    try {
      const result = await run()
      this.#listener.onCallEnd(call, 'done')
      return result
    } catch (error) {
      this.#listener.onCallEnd(call, 'failed')
      throw error
    }
  }

  async #suffer<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
    if (call.on === 'router') await this.#reachRouter(call)
    const fault = this.#hazards.faultAt(call)
    if (fault) this.#story.tell('mishap', `${call.on} ${call.verb} ${call.subject}: ${fault}`)
    return this.#carryOut(fault, call, run)
  }

  /** The memory router takes no time and is always there; a real one is a process of its own. */
  async #reachRouter(call: Call): Promise<void> {
    if (call.nature === 'act') await this.#world.sleep(routerLatencyMs)
    if (this.lost.signal.aborted) await never()
    if (this.#hazards.routerIsAway) throw routerAway()
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
        await this.#world.sleep(slowMs)
        return this.gone.signal.aborted ? never() : run()
      case 'hang':
        await this.#world.sleep(hangMs)
        throw injectedFailure(call)
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
