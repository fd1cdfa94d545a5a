/** One criterion by which a new version is compared with the old one, at the same time or one after the other. Pure. */
import { BeforeAfter } from './before-after.ts'
import { type Counts, type Finding, none, plus } from './counts.ts'
import { SideBySide } from './side-by-side.ts'
import type { Showing, Stratum } from './stratum.ts'

export interface Criterion {
  /** How many times the odds of the old version are borne. */
  readonly borneOdds: number
  /** Whether it is worse also without a comparison where more than half of as many is bad. */
  readonly isAbsolute: boolean
  count(showing: Showing): Counts
  /** `12 of 620 answers failed, …`; without `theirs` where there is nothing to compare with. */
  describe(ours: Counts, theirs?: Counts): string
}

/** With fewer of the old version there is no comparison. */
const fewest = 20

export class Comparison {
  readonly #criterion: Criterion
  readonly #sideBySide: SideBySide
  readonly #beforeAfter: BeforeAfter
  #beside = { ours: none, theirs: none }
  #before = none
  #alone = none

  /** A version that is no worse is called worse with a probability of `alpha` at most, half of it for either way. */
  constructor(criterion: Criterion, alpha: number) {
    this.#criterion = criterion
    this.#sideBySide = new SideBySide(criterion.borneOdds, alpha / 2)
    this.#beforeAfter = new BeforeAfter(criterion.borneOdds, alpha / 2)
  }

  take({ share, new: ours, old: theirs }: Stratum): void {
    if (share < 1) this.#takeBefore(this.#criterion.count(theirs))
    if (share >= 1) this.#takeAlone(this.#criterion.count(ours))
    else if (share > 0) this.#takeBeside(this.#criterion.count(ours), this.#criterion.count(theirs))
  }

  get finding(): Finding {
    const findings = [this.#sideBySide.finding, this.#beforeAfter.finding]
    if (findings.includes('worse') || this.#failsOutright) return 'worse'
    return findings.includes('unsure') ? 'unsure' : 'even'
  }

  /** Why it is worse, for people. */
  get reason(): string {
    const { ours, theirs } = this.#beside
    if (this.#failsOutright) return this.#criterion.describe(plus(ours, this.#alone))
    if (this.#sideBySide.finding === 'worse') return this.#criterion.describe(ours, theirs)
    return `${this.#criterion.describe(this.#alone, this.#before)} before`
  }

  get #failsOutright(): boolean {
    if (!this.#criterion.isAbsolute || this.#before.exposed >= fewest) return false
    const { exposed, events } = plus(this.#beside.ours, this.#alone)
    return exposed >= fewest && events * 2 > exposed
  }

  #takeBefore(theirs: Counts): void {
    this.#before = plus(this.#before, theirs)
    this.#beforeAfter.takeBefore(theirs)
  }

  #takeAlone(ours: Counts): void {
    this.#alone = plus(this.#alone, ours)
    this.#beforeAfter.takeAfter(ours)
  }

  #takeBeside(ours: Counts, theirs: Counts): void {
    this.#beside = { ours: plus(this.#beside.ours, ours), theirs: plus(this.#beside.theirs, theirs) }
    this.#sideBySide.take(ours, theirs)
  }
}
