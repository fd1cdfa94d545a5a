/** How soon a version that is worse is called so, with 5 % of the requests, and how soon an equal one passes. */
import { seededRandom } from '../../src/system/random.ts'
import { lognormal } from './latencies.ts'
import { percent } from './table.ts'
import { type Outcome, play, type Scene, type World } from './world.ts'

export interface Power {
  /** Of all runs, how many it was called worse in. */
  readonly caught: number
  /** Answers of the new version until then. */
  readonly caughtAfter: Spread
  /** Of all runs, how many it would have passed in before. */
  readonly passed: number
  /** Answers of the new version until it passed. */
  readonly passedAfter: Spread
}

/** What half of the runs took at most, and what 95 % did. */
export interface Spread {
  readonly half: number | undefined
  readonly most: number | undefined
}

const share = 0.05
const perTick = 200
/** 5,000 answers of the new version. */
const longTicks = 500
const shortTicks = 100

export function errorScenes(requests: number, rates: readonly number[], moreErrors: number): readonly Scene[] {
  return rates.map((errorRate) => ({
    name: `${percent(errorRate)} errors and ${percent(errorRate + moreErrors)}, passes with ${requests} answers`,
    world: { shares: during(longTicks), perTick, pattern: 'steady', errorRate, moreErrors, requests },
  }))
}

/** The new version is alone after the old one, which answered 10,000 requests. */
export function aloneScenes(rates: readonly number[], moreErrors: number): readonly Scene[] {
  const shares = [...during(50, 0), ...during(50, 1)]
  return rates.map((errorRate) => ({
    name: `${percent(errorRate)} errors and ${percent(errorRate + moreErrors)}`,
    world: { shares, perTick, pattern: 'steady', errorRate, moreErrors },
  }))
}

export function latencyScenes(factors: readonly number[]): readonly Scene[] {
  return factors.map((times) => ({ name: `${times} times as slow`, world: latencyWorld(times) }))
}

function latencyWorld(times: number): World {
  const latencies = { oldLatencies: lognormal(1), newLatencies: lognormal(times) }
  return { shares: during(shortTicks), perTick, pattern: 'steady', errorRate: 0.001, ...latencies }
}

export function power(world: World, runs: number, seed: number): Power {
  const random = seededRandom(seed)
  const outcomes = Array.from({ length: runs }, () => play(world, random))
  const caughtAfter = known(outcomes, ({ worse }) => worse?.answers)
  const passedAfter = known(outcomes, (outcome) => outcome.fineAfter)
  return {
    caught: caughtAfter.length / runs,
    caughtAfter: spread(caughtAfter),
    passed: passedAfter.length / runs,
    passedAfter: spread(passedAfter),
  }
}

function known(outcomes: readonly Outcome[], read: (outcome: Outcome) => number | undefined): readonly number[] {
  return outcomes.map(read).filter((value) => value !== undefined)
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(part * sorted.length)]
  return { half: at(0.5), most: at(0.95) }
}

function during(ticks: number, ours = share): readonly number[] {
  return Array.from({ length: ticks }, () => ours)
}
