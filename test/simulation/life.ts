/**
 * One life of a controller. When it is over, nothing of it reaches the world any more and nothing comes back to it:
 * its calls and its sleeps never return, as those of a killed process.
 */
import type { Clock } from '../../src/system/clock.ts'
import { eventFaultNames } from './faults.ts'
import type { Crash } from './history.ts'
import { never, Ordeal, type Surroundings } from './ordeal.ts'
import type { Around, Call, Deliver } from './seams.ts'

const reorderedByMs = 1_500

/** Hears of every effect and record: when it is asked for, and when it has ended well or badly. */
export interface CallListener {
  onCall(call: Call): void
  /** Of what changes nothing, it hears when it is asked for. */
  onLook(call: Call): void
  onCallEnd(call: Call, outcome: 'done' | 'failed'): void
  /** `meanwhile`: what someone asks for at the same moment. */
  onDeath(how: Pick<Crash, 'finishing' | 'meanwhile'>): void
}

export class Life {
  readonly clock: Clock
  /** Aborts with this life. */
  readonly gone = new AbortController()
  /** Aborts with this life where also what it had asked for is lost. */
  readonly lost = new AbortController()
  readonly over: Promise<void>
  readonly #world: Surroundings
  readonly #listener: CallListener
  readonly #ordeal: Ordeal
  readonly #end: () => void
  #isOver = false
  #calls = 0
  #events = 0

  constructor(world: Surroundings, listener: CallListener) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#world = world
    this.#listener = listener
    this.#ordeal = new Ordeal(world, this)
    this.over = promise
    this.#end = resolve
    const { clock, hazards } = world
    this.clock = {
      now: () => clock.now() + hazards.clockOffsetMs,
      steady: () => clock.steady(),
      sleep: (ms, signal) => this.whileAlive(() => clock.sleep(ms, signal)),
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(how: Pick<Crash, 'finishing' | 'meanwhile'>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.gone.abort()
    if (!how.finishing) this.lost.abort()
    this.#end()
    this.#listener.onDeath(how)
  }

  readonly around: Around = async (call, run) => {
    if (this.#isOver) return never()
    const crash = this.#world.hazards.crashAt(call, ++this.#calls)
    if (crash?.when === 'before') return this.#crash(call, crash)
    return this.whileAlive(async () => {
      try {
        return await this.#listenedTo(call, () => this.#ordeal.suffer(call, run))
      } finally {
        if (crash && !this.#isOver) void this.#crash(call, crash)
      }
    })
  }

  readonly deliver: Deliver = (hear) => {
    const { hazards } = this.#world
    const { events } = hazards
    const hearIfAlive = () => {
      if (!this.#isOver) hear()
    }
    if (events) hazards.count(eventFaultNames[events])
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

  #crash(call: Call, crash: Pick<Crash, 'when' | 'finishing' | 'meanwhile'>): Promise<never> {
    const place = `${crash.when} ${call.on} ${call.verb} ${call.subject}`.trim()
    this.#world.story.tell('mishap', `the controller is killed ${place}`)
    this.end(crash)
    return never()
  }

  async #listenedTo<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
    if (call.nature === 'look') {
      this.#listener.onLook(call)
      return run()
    }
    this.#listener.onCall(call)
    try {
      const result = await run()
      this.#tellEnd(call, 'done')
      return result
    } catch (error) {
      this.#tellEnd(call, 'failed')
      throw error
    }
  }

  /** What ends after this life has ended is nobody's call any more. */
  #tellEnd(call: Call, outcome: 'done' | 'failed'): void {
    if (!this.#isOver) this.#listener.onCallEnd(call, outcome)
  }
}
