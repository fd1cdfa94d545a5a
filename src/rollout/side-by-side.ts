/**
 * Two versions that served at the same time: is something more likely to happen to ours than to theirs?
 *
 * A stratified form of Fisher's exact test that may be looked at after every stratum. Given how many answers each
 * version gave in a stratum and how many of all were bad, how many of the bad ones are ours has Fisher's noncentral
 * hypergeometric distribution, whatever the rate was at that time. The product over the strata of the likelihood of some
 * greater odds divided by that of the odds that are borne, averaged over several such odds, is a nonnegative
 * supermartingale that begins at 1 while ours is no worse than is borne (Wald 1945; the mixture: Robbins 1970). So it ever
 * exceeds 1/alpha with a probability of at most alpha (Ville 1939; Ramdas et al. 2023). Pure.
 */
import type { Counts, Finding } from './counts.ts'
import { logLikelihoodRatio } from './hypergeometric.ts'

/** How many times the odds that are borne. A version that is worse by much less than the first passes for an equal one. */
const alternatives = [1.5, 2, 3, 5, 10, 30]
/** Evidence "not worth more than a bare mention" below (Jeffreys 1961). */
const unsureAbove = 3

export class SideBySide {
  readonly #borneOdds: number
  readonly #alpha: number
  #logRatios = alternatives.map(() => 0)

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
    this.#logRatios = this.#logRatios.map((sum, index) => {
      const odds = (alternatives[index] ?? 1) * this.#borneOdds
      return sum + logLikelihoodRatio(margins, ours.events, odds, this.#borneOdds)
    })
  }

  get finding(): Finding {
    const evidence = this.#logRatios.reduce((sum, log) => sum + Math.exp(log), 0) / alternatives.length
    if (evidence >= 1 / this.#alpha) return 'worse'
    return evidence > unsureAbove ? 'unsure' : 'even'
  }
}
