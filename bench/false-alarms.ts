/**
 * `npm run study [-- --runs N]`: how often a new version that is equal to the old one is called worse, and how soon one
 * that is worse is. The same numbers on every machine. Fails where false alarms are not below 1 in 100.
 */
import { parseArgs } from 'node:util'
import {
  aloneScenes,
  besideScenes,
  canaryScenes,
  excessiveScenes,
  type FalseAlarms,
  falseAlarms,
} from './study/false-alarms.ts'
import * as worse from './study/power.ts'
import { percent, row } from './study/table.ts'
import type { Scene } from './study/world.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '10000' } } })
const runs = Number(values.runs)
/** What is caught is plain to see with fewer. */
const powerRuns = Math.ceil(runs / 10)
const goal = 0.01
const rates = [0, 0.005, 0.01, 0.03]
const requestsAsked = [100, 300, 1_000]

title('An equal version is called worse', `% of ${runs} runs, 10,000 requests each; goal: below ${percent(goal)}`)
for (const { any } of printAlarms([...besideScenes, ...canaryScenes, ...aloneScenes]))
  if (any >= goal) process.exitCode = 1
title('The same where more happens than the tests allow for', 'no goal')
printAlarms(excessiveScenes)
title(
  'A version with 2 points more errors',
  `5 % of the requests, at most 5,000; ${powerRuns} runs; in: answers of it, median`,
)
printPower(requestsAsked.flatMap((requests) => worse.errorScenes(requests, rates, 0.02)))
title('An equal version', '5 % of the requests')
printPower(requestsAsked.flatMap((requests) => worse.errorScenes(requests, [0, 0.01], 0)))
title('A version with 2 points more errors, alone afterwards', '10,000 requests before and at most as many after')
printPower(worse.aloneScenes(rates, 0.02))
title('A slower version', '5 % of the requests, at most 1,000; 1.5 times the odds of being slow are borne')
printPower(worse.latencyScenes([1, 1.3, 2]))

function title(what: string, how: string): void {
  console.log(`\n${what} (${how})`)
}

function printAlarms(scenes: readonly Scene[]): readonly FalseAlarms[] {
  console.log(row('', ['errors', 'slow', 'restarts', 'any']))
  return scenes.map(({ name, world }, index) => {
    const alarms = falseAlarms(world, runs, index + 1)
    const shares = [...Object.values(alarms.byCriterion), alarms.any]
    console.log(
      row(
        name,
        shares.map((share) => (share * 100).toFixed(2)),
      ),
    )
    return alarms
  })
}

/** In how many answers of the new version it was called worse, and in how many it passed before that: the median and 95 %. */
function printPower(scenes: readonly Scene[]): void {
  console.log(row('', ['caught', 'in', '95 % in', 'passed', 'in', '95 % in']))
  for (const { name, world } of scenes) {
    const { caught, caughtAfter, passed, passedAfter } = worse.power(world, powerRuns, 1)
    console.log(row(name, [percent(caught), ...spread(caughtAfter), percent(passed), ...spread(passedAfter)]))
  }
}

function spread({ half, most }: worse.Spread): readonly (string | number)[] {
  return [half ?? '-', most ?? '-']
}
