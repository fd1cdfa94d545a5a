/**
 * Two versions that served at the same time: is something more likely to happen to ours than to theirs?
 *
 * A stratified form of Fisher's exact test that may be looked at after every stratum. Given how many answers each
 * version gave in a stratum and how many of all were bad, how many of the bad ones are ours has Fisher's noncentral
 * hypergeometric distribution, whatever the rate was at that time. The product over the strata of the likelihood of some
 * greater odds divided by that of the odds that are borne is a nonnegative supermartingale that begins at 1 while ours is
 * no worse than is borne (Wald 1945), and so is an average of such products, over several odds (Robbins 1970) and over
 * when they begin, so that a version that turns bad late is noticed too (Shin, Ramdas and Rinaldo 2023). It ever exceeds
 * 1/alpha with a probability of at most alpha (Ville 1939; Ramdas et al. 2023). Pure.
 */
import type { Counts, Finding } from './counts.ts'
import { logProbability } from './hypergeometric.ts'

/** How many times the odds that are borne. A version that is worse by much less than the first passes for an equal one. */
const alternatives = [1.5, 2, 3, 5, 10, 30]
/**
 * No stratum weighs more than this, so that several have to agree: an instance that stops for a moment makes many answers
 * bad at once, of whichever version it is. With less than the likelihood ratio it is a supermartingale all the more.
 */
const mostOfOneStratum = 10
/** How many times likelier the worse has to be before it is a reason to go on watching. */
const unsureAbove = 2

export class SideBySide {
  readonly #borneOdds: number
  readonly #alpha: number
  #strata = 0
  /** For each alternative, the sum of what began so far: logarithms, as these sums span hundreds of orders. */
  #logSums = alternatives.map(() => -Infinity)
  #finding: Finding = 'even'

  /** `borneOdds`: how many times the odds of theirs ours may have; 1 or more. */
  constructor(borneOdds: number, alpha: number) {
    this.#borneOdds = borneOdds
    this.#alpha = alpha
  }

  /** A stratum: a time during which any request was as likely as any other to go to ours. */
  take(ours: Counts, theirs: Counts): void {
    const events = ours.events + theirs.events
    if (events === 0 || ours.exposed === 0 || theirs.exposed === 0) return
    const margins = { ours: ours.exposed, theirs: theirs.exposed, events }
    const borne = logProbability(margins, ours.events, this.#borneOdds)
    this.#strata += 1
    const beginning = logWeightOf(this.#strata)
    this.#logSums = this.#logSums.map((sum, index) => {
      const worse = logProbability(margins, ours.events, this.#borneOdds * (alternatives[index] ?? 1))
      return logOfSum(sum, beginning) + Math.min(worse - borne, Math.log(mostOfOneStratum))
    })
    this.#finding = this.#find()
  }

  get finding(): Finding {
    return this.#finding
  }

  #find(): Finding {
    const notYetBegun = 1 / (this.#strata + 1)
    const begun = this.#logSums.reduce((sum, log) => sum + Math.exp(log), 0) / alternatives.length
    if (begun + notYetBegun >= 1 / this.#alpha) return 'worse'
    return begun + notYetBegun > unsureAbove ? 'unsure' : 'even'
  }
}

/** The weights of all strata sum up to 1: a half for the first, and 1 / (n + 1) for those after the nth. */
function logWeightOf(stratum: number): number {
  return -Math.log(stratum * (stratum + 1))
}

function logOfSum(a: number, b: number): number {
  const [less, more] = a < b ? [a, b] : [b, a]
  return more + Math.log1p(Math.exp(less - more))
}
