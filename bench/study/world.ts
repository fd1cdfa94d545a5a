/** A simulated world in which an old and a new version answer requests, and one run of it that is judged tick by tick. */
import { Evidence, type EvidenceOptions } from '../../src/rollout/evidence.ts'
import type { Showing } from '../../src/rollout/stratum.ts'
import { Tally } from '../../src/rollout/tally.ts'
import type { Random } from '../../src/system/random.ts'
import { type Latencies, quickOrSlow } from './latencies.ts'
import { binomial } from './sampling.ts'
import { errorRates, type Pattern } from './weather.ts'

export interface World {
  /** The share of the new version in each tick. */
  readonly shares: readonly number[]
  readonly perTick: number
  readonly pattern: Pattern
  readonly errorRate: number
  /** Of the new version's answers, so many more fail. */
  readonly moreErrors?: number
  /** Default: most are quick, the same for both. */
  readonly oldLatencies?: Latencies
  readonly newLatencies?: Latencies
  /** Least answers before the new version may pass, default 100. */
  readonly requests?: number
}

export interface Scene {
  readonly name: string
  readonly world: World
}

/** How many answers of the new version there were when it was called worse, and when it was first called fine. */
export interface Outcome {
  readonly worse?: { readonly criterion: string; readonly answers: number }
  readonly fineAfter?: number
}

const instances = 20
const alike = quickOrSlow(0.04)
/** Each instance ends by itself about every five minutes. */
const restartRate = 1 / 300

export function play(world: World, random: Random): Outcome {
  const evidence = new Evidence(optionsOf(world))
  const rates = errorRates(random, world.pattern, world.errorRate, world.shares.length)
  let answers = 0
  let fineAfter: number | undefined
  for (const [tick, share] of world.shares.entries()) {
    const ours = binomial(random, world.perTick, share)
    evidence.take({ share, ...showings(world, share, ours, rates[tick] ?? 0, random) })
    answers += ours
    const judgement = evidence.judgement()
    if (judgement.kind === 'worse')
      return { worse: { criterion: criterionOf(judgement.reason), answers }, ...fine(fineAfter) }
    if (judgement.kind === 'fine' && share > 0) fineAfter ??= answers
  }
  return fine(fineAfter)
}

function optionsOf({ requests = 100 }: World): EvidenceOptions {
  return { requests, errors: true, latency: { percentile: 95, tolerance: 1.5 } }
}

function showings(world: World, share: number, ours: number, rate: number, random: Random) {
  const { perTick, moreErrors = 0, newLatencies = alike, oldLatencies = alike } = world
  const newInstances = Math.ceil(share * instances)
  return {
    new: show(ours, rate + moreErrors, newInstances, newLatencies, random),
    old: show(perTick - ours, rate, instances - newInstances, oldLatencies, random),
  }
}

function show(count: number, rate: number, running: number, latencies: Latencies, random: Random): Showing {
  const answers = new Tally()
  const errors = binomial(random, count, Math.min(1, rate))
  answers.count(500, 10, errors)
  latencies(answers, count - errors, running, random)
  return { answers, instances: running, restarts: binomial(random, running, restartRate) }
}

/** `errors` of `errors: 4 of 20 answers failed`. */
function criterionOf(reason: string): string {
  return reason.split(':')[0] ?? reason
}

function fine(fineAfter: number | undefined): Pick<Outcome, 'fineAfter'> {
  return fineAfter === undefined ? {} : { fineAfter }
}
