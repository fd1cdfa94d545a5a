/** How long the versions of a simulated world take to answer. */
import type { Random } from '../../src/system/random.ts'
import type { Tally } from '../../src/rollout/tally.ts'
import { binomial, normal } from './sampling.ts'

/** Counts `count` good answers that so many instances gave in a tick. */
export type Latencies = (tally: Tally, count: number, instances: number, random: Random) => void

/** Most are quick, and the others ten times as slow: all that a comparison by the 95th percentile tells apart. */
export function quickOrSlow(slowShare: number): Latencies {
  return (tally, count, _instances, random) => countSlow(tally, count, binomial(random, count, slowShare))
}

/** Now and then an instance stops for a tick, and all that it answers in it is slow. */
export function stalling(share: number): Latencies {
  return (tally, count, instances, random) => {
    let left = count
    for (let others = instances; others > 0; others -= 1) {
      const own = binomial(random, left, 1 / others)
      countSlow(tally, own, random.next() < share ? own : binomial(random, own, 0.02))
      left -= own
    }
  }
}

/** Of a service whose median is 20 ms: the logarithm's deviation of 0.5 makes its 95th percentile 46 ms. */
export function lognormal(times: number): Latencies {
  return (tally, count, _instances, random) => {
    for (let answer = 0; answer < count; answer += 1) tally.count(200, 20 * times * Math.exp(0.5 * normal(random)))
  }
}

function countSlow(tally: Tally, count: number, slow: number): void {
  tally.count(200, 10, count - slow)
  tally.count(200, 100, slow)
}
