/**
 * A version that serves alone, compared with what the one before it did: Fisher's exact test, at 20, 30, 45, … of ours.
 *
 * Another time is another rate, so half as much again is borne; the worst stratum of ours is left out; and where a rate
 * varied between strata by more than chance explains, all counts weigh less by that factor (the dispersion of a
 * quasi-binomial: McCullagh and Nelder 1989). Each look has a share of alpha, and the shares sum up to it (Bonferroni).
 * Pure.
 */
import { type Counts, type Finding, none, plus } from './counts.ts'
import { upperTail } from './hypergeometric.ts'

/** How many times the odds of before are put down to another time. */
const driftOdds = 1.5
const firstLook = 20
const lookFactor = 1.5
/** A chance below this is not shrugged off. */
const unsureBelow = 0.1

export class BeforeAfter {
  readonly #borneOdds: number
  readonly #alpha: number
  readonly #before = new Strata()
  readonly #after = new Strata()
  #looks = 0
  #nextLook = firstLook
  #finding: Finding = 'even'

  /** `borneOdds`: how many times the odds of before ours may have; 1 or more. */
  constructor(borneOdds: number, alpha: number) {
    this.#borneOdds = borneOdds * driftOdds
    this.#alpha = alpha
  }

  takeBefore(theirs: Counts): void {
    this.#before.add(theirs)
  }

  takeAfter(ours: Counts): void {
    this.#after.add(ours)
    if (this.#after.sum.exposed >= this.#nextLook) this.#look()
  }

  /** As of the last look. */
  get finding(): Finding {
    return this.#finding
  }

  #look(): void {
    while (this.#nextLook <= this.#after.sum.exposed) this.#nextLook *= lookFactor
    this.#looks += 1
    if (this.#chance(this.#after.withoutWorst) <= this.#alpha / (this.#looks * (this.#looks + 1)))
      this.#finding = 'worse'
    else this.#finding = this.#chance(this.#after.sum) < unsureBelow ? 'unsure' : 'even'
  }

  /** How likely so many events of ours are while it is no worse than is borne. */
  #chance(after: Counts): number {
    const weight = 1 / dispersion(this.#before, this.#after)
    const [ours, theirs] = [weighed(after, weight), weighed(this.#before.sum, weight)]
    const margins = { ours: ours.exposed, theirs: theirs.exposed, events: ours.events + theirs.events }
    return upperTail(margins, ours.events, this.#borneOdds)
  }
}

class Strata {
  #count = 0
  #sum = none
  #worst = none
  #squares = 0

  add(stratum: Counts): void {
    if (stratum.exposed === 0) return
    this.#count += 1
    this.#sum = plus(this.#sum, stratum)
    if (stratum.events >= this.#worst.events) this.#worst = stratum
    this.#squares += stratum.events ** 2 / stratum.exposed
  }

  get sum(): Counts {
    return this.#sum
  }

  get withoutWorst(): Counts {
    const { exposed, events } = this.#worst
    return plus(this.#sum, { exposed: -exposed, events: -events })
  }

  get freedom(): number {
    return Math.max(0, this.#count - 1)
  }

  /** Pearson's statistic: as large as `freedom` on average where only chance makes strata differ. */
  get deviation(): number {
    const { exposed, events } = this.#sum
    if (events === 0 || events === exposed) return this.freedom
    const variance = (events / exposed) * (1 - events / exposed)
    return (this.#squares - events ** 2 / exposed) / variance
  }
}

function dispersion(...all: readonly Strata[]): number {
  const [deviation, freedom] = [sum(all.map((each) => each.deviation)), sum(all.map((each) => each.freedom))]
  return freedom === 0 ? 1 : Math.max(1, deviation / freedom)
}

function weighed({ exposed, events }: Counts, weight: number): Counts {
  return { exposed: Math.round(exposed * weight), events: Math.round(events * weight) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
