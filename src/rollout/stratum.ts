/** A span of time in which two versions are compared: ticks in a row with the same share of requests. Pure. */
import { Tally } from './tally.ts'

/** About a second; it ends where the share changes. */
export interface Tick {
  /** The share of the requests that was to go to the new version: 0 to 1. */
  readonly share: number
  readonly new?: Showing
  readonly old?: Showing
}

/** What one version showed in a tick. */
export interface Showing {
  readonly answers: Tally
  /** How many instances were in rotation. */
  readonly instances: number
  /** How many of these ended by themselves. */
  readonly restarts: number
}

/** A comparison of few has little power: a bad answer of ours says nothing where theirs were none. */
const enoughAnswers = 100
const mostTicks = 5

export class Stratum {
  readonly share: number
  readonly new = new Sum()
  readonly old = new Sum()
  #ticks = 0

  constructor(share: number) {
    this.share = share
  }

  take(tick: Tick): void {
    this.#ticks += 1
    if (tick.new) this.new.add(tick.new)
    if (tick.old) this.old.add(tick.old)
  }

  /** What was answered well or badly has no say in it. */
  get isFull(): boolean {
    return this.#ticks >= mostTicks || this.new.answers.answers + this.old.answers.answers >= enoughAnswers
  }
}

/** Instances count once for each tick: about their seconds. */
class Sum implements Showing {
  readonly answers = new Tally()
  instances = 0
  restarts = 0

  add({ answers, instances, restarts }: Showing): void {
    this.answers.add(answers)
    this.instances += instances
    this.restarts += Math.min(restarts, instances)
  }
}
