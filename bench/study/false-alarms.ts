/** How often a version that is equal to the old one is called worse. */
import { seededRandom } from '../../src/system/random.ts'
import { quickOrSlow, stalling } from './latencies.ts'
import { percent } from './table.ts'
import type { Pattern } from './weather.ts'
import { play, type Scene, type World } from './world.ts'

/** Shares of all runs. */
export interface FalseAlarms {
  readonly any: number
  readonly byCriterion: Readonly<Record<string, number>>
}

const perTick = 400
/** 10,000 requests. */
const ticks = 25
const shares = [0.05, 0.25, 0.5]

export const besideScenes: readonly Scene[] = shares.flatMap((share) => [
  tolerableScene(share),
  ...scenes(`${percent(share)} of the requests`, during(share), ['steady', 'bursts'], [0, 0.001, 0.01, 0.05]),
  ...scenes(`${percent(share)} of the requests`, during(share), ['waves'], [0.001, 0.01, 0.05]),
])
export const canaryScenes = scenes(
  '5, 25, 50, then 100 %',
  [0, 0.05, 0.25, 0.5, 1].flatMap((share) => during(share, 10)),
  ['steady', 'bursts', 'waves'],
  [0.001, 0.01],
)
const thenAlone = [...during(0), ...during(1)]
export const aloneScenes = scenes('alone afterwards', thenAlone, ['steady', 'bursts', 'gentle waves'], [0.001, 0.01])

/** More than the tests allow for: another rate at another time, and a request whose fate hangs on its instance. */
export const excessiveScenes: readonly Scene[] = [
  ...scenes('alone afterwards', thenAlone, ['waves'], [0.001, 0.01]),
  ...shares.flatMap((share) => [0.02, 0.05].map((stalls) => stallScene(share, stalls))),
]

export function falseAlarms(world: World, runs: number, seed: number): FalseAlarms {
  const random = seededRandom(seed)
  const alarms = Array.from({ length: runs }, () => play(world, random).worse?.criterion)
  const shareOf = (criterion: string) => alarms.filter((alarm) => alarm === criterion).length / runs
  const byCriterion = Object.fromEntries(['errors', 'slow', 'restarts'].map((name) => [name, shareOf(name)]))
  return { any: alarms.filter((alarm) => alarm !== undefined).length / runs, byCriterion }
}

function scenes(
  where: string,
  sharesOfTicks: readonly number[],
  patterns: readonly Pattern[],
  rates: readonly number[],
): readonly Scene[] {
  return patterns.flatMap((pattern) =>
    rates.map((errorRate) => ({
      name: `${where}, ${percent(errorRate)} errors, ${pattern}`,
      world: { shares: sharesOfTicks, perTick, pattern, errorRate },
    })),
  )
}

/** Slow answers have 1.5 times the odds, which is just what is borne. */
function tolerableScene(share: number): Scene {
  const latencies = { oldLatencies: quickOrSlow(1 / 25), newLatencies: quickOrSlow(1 / 17) }
  return {
    name: `${percent(share)} of the requests, as slow as is borne`,
    world: { shares: during(share), perTick, pattern: 'steady', errorRate: 0.01, ...latencies },
  }
}

function stallScene(share: number, stalls: number): Scene {
  const latencies = { oldLatencies: stalling(stalls), newLatencies: stalling(stalls) }
  return {
    name: `${percent(share)} of the requests, an instance is slow in ${percent(stalls)} of its seconds`,
    world: { shares: during(share), perTick, pattern: 'steady', errorRate: 0, ...latencies },
  }
}

function during(share: number, count = ticks): readonly number[] {
  return Array.from({ length: count }, () => share)
}
