/**
 * What users felt of a new version beside the old one, and what that says: docs/decisions/0013-verdicts.md. Pure.
 *
 * Ticks are gathered into strata, in which the versions are compared by each criterion. `judgement` may be asked at any
 * time and as often as wanted: a version that is no worse is called worse with a probability of 1 % at most.
 */
import { Comparison } from './comparison.ts'
import { errorCriterion, latencyCriterion, restartCriterion } from './criteria.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import { Stratum, type Tick } from './stratum.ts'

export interface EvidenceOptions {
  /** The least number of answers of the new version before it can pass; 0: none needed. */
  readonly requests: number
  readonly errors: boolean
  /** How many times the odds of an answer slower than that percentile of the old version's are borne. */
  readonly latency?: { readonly percentile: number; readonly tolerance: number }
}

/** `worse` is final. */
export type Judgement =
  | { readonly kind: 'worse'; readonly reason: string }
  | { readonly kind: 'fine' }
  | { readonly kind: 'insufficient'; readonly have: number; readonly need: number }

const alpha = 0.01
/** A version that looks worse, but not surely so, has to give so many times the answers, and in so many strata. */
const patience = { times: 5, strata: 10 }
/** The percentile is that of so many answers of the old version beyond it, at least. */
const answersBeyond = 10

export class Evidence {
  readonly #comparisons: Comparison[]
  readonly #criterionAlpha: number
  /** Until its percentile is known. */
  #latency: EvidenceOptions['latency']
  readonly #oldLatencies = new LatencyHistogram()
  #stratum: Stratum | undefined
  /** What was compared since answers were last asked for. */
  #have = { answers: 0, strata: 0 }
  #requests: number
  #worse: string | undefined

  constructor({ requests, errors, latency }: EvidenceOptions) {
    const criteria = errors ? [errorCriterion, restartCriterion] : [restartCriterion]
    this.#criterionAlpha = alpha / (criteria.length + (latency ? 1 : 0))
    this.#comparisons = criteria.map((criterion) => new Comparison(criterion, this.#criterionAlpha))
    this.#latency = latency
    this.#requests = requests
  }

  take(tick: Tick): void {
    if (this.#stratum && this.#stratum.share !== tick.share) this.#close(this.#stratum)
    this.#stratum ??= new Stratum(tick.share)
    this.#stratum.take(tick)
    if (this.#stratum.isFull) this.#close(this.#stratum)
  }

  /** Some answers were not told: those that are needed are counted anew. What was compared before stays. */
  lose(): void {
    this.#stratum = undefined
    this.#have = { answers: 0, strata: 0 }
  }

  /** From now on so many further answers of the new version are needed. */
  demand(requests: number): void {
    this.#have = { answers: 0, strata: 0 }
    this.#requests = requests
  }

  judgement(): Judgement {
    if (this.#worse !== undefined) return { kind: 'worse', reason: this.#worse }
    const [have, need] = [this.#have.answers, this.#needed()]
    return have >= need ? { kind: 'fine' } : { kind: 'insufficient', have, need }
  }

  #needed(): number {
    if (this.#comparisons.every(({ finding }) => finding === 'even')) return this.#requests
    const { answers, strata } = this.#have
    return Math.max(this.#requests * patience.times, Math.ceil((answers / Math.max(1, strata)) * patience.strata))
  }

  #close(stratum: Stratum): void {
    this.#stratum = undefined
    if (stratum.share > 0) this.#count(stratum.new.answers.answers)
    for (const comparison of this.#comparisons) comparison.take(stratum)
    this.#worse ??= this.#comparisons.find(({ finding }) => finding === 'worse')?.reason
    if (this.#latency && stratum.share < 1) this.#takePercentile(stratum, this.#latency)
  }

  #count(answers: number): void {
    this.#have = { answers: this.#have.answers + answers, strata: this.#have.strata + 1 }
  }

  /** Strata that are yet to come are compared by a percentile of those that were. */
  #takePercentile(stratum: Stratum, { percentile, tolerance }: NonNullable<EvidenceOptions['latency']>): void {
    this.#oldLatencies.add(stratum.old.answers.latencies)
    const thresholdMs = this.#oldLatencies.percentileMs(percentile)
    if (thresholdMs === undefined || this.#oldLatencies.total * (1 - percentile / 100) < answersBeyond) return
    this.#comparisons.push(new Comparison(latencyCriterion(thresholdMs, tolerance), this.#criterionAlpha))
    this.#latency = undefined
  }
}
