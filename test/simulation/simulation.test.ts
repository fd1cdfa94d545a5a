/** Thousands of worlds, the same on every machine and in every run. */
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { faultRegressions } from './fault-regressions.ts'
import { faultNames } from './faults.ts'
import { simulateMany } from './many-worlds.ts'
import { milestoneNames } from './milestones.ts'
import { regressions } from './regressions.ts'
import { defaultSteps, simulate, type Outcome } from './simulation.ts'
import { guardRegressions } from './guard-regressions.ts'
import { steeringRegressions } from './steering-regressions.ts'
import { strategyRegressions } from './strategy-regressions.ts'
import { tallyWords, timesOf } from './tally.ts'

const seeds = process.env['SOAK'] ? 50_000 : 4_000
const patienceMs = seeds * 150

test(`all that is promised holds in ${seeds} worlds`, { timeout: patienceMs }, async ({ task }) => {
  const worlds = { from: 1, count: seeds, steps: defaultSteps, keepGoing: false }
  const { tally, broken } = await simulateMany({ ...worlds, processes: availableParallelism() })
  task.meta.summary = tallyWords(tally)
  expect(broken.map(words)).toEqual([])
  expect(tally.steps).toBeGreaterThan(1_000_000)
  expect([...faultNames, ...milestoneNames].filter((name) => timesOf(tally, name) === 0)).toEqual([])
})

describe('what was broken once stays mended', () => {
  test.each([...regressions, ...faultRegressions, ...strategyRegressions, ...steeringRegressions, ...guardRegressions])(
    '$name',
    async ({ seed, history }) => {
      const outcome = await simulate({ seed, history })
      expect(outcome.violation && words(outcome)).toBeUndefined()
    },
  )
})

test.each([3, 12, 45])('seed %i tells the same story twice', async (seed) => {
  const [first, second] = [await simulate({ seed }), await simulate({ seed })]
  expect(second.story.join('\n')).toBe(first.story.join('\n'))
  expect(first.acts).toBeGreaterThan(0)
})

test('different seeds are different worlds', async () => {
  expect((await simulate({ seed: 1 })).story).not.toEqual((await simulate({ seed: 2 })).story)
})

/** What is broken, with the end of the story. */
function words({ violation, story, seed, profile }: Outcome): string {
  return [
    ...story.slice(-60),
    `seed ${seed} (${profile}) breaks '${violation?.invariant}': ${violation?.message}`,
    `npm run simulate -- --seed ${seed} --shrink`,
  ].join('\n')
}
