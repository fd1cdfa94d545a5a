/** Thousands of worlds, the same on every machine and in every run. `SOAK=1` runs ten times as many. */
import { describe, expect, test } from 'vitest'
import { faultRegressions } from './fault-regressions.ts'
import { regressions } from './regressions.ts'
import { simulate, type Outcome } from './simulation.ts'

const seeds = process.env['SOAK'] ? 20_000 : 2_000
const seedsPerTest = 250

describe('all that is promised holds', () => {
  const firstSeeds = Array.from({ length: seeds / seedsPerTest }, (_, index) => index * seedsPerTest + 1)
  test.each(firstSeeds)(`in ${seedsPerTest} worlds from seed %i on`, async (first) => {
    for (let seed = first; seed < first + seedsPerTest; seed++) expect(await brokenIn({ seed })).toBeUndefined()
  })
})

describe('what was broken once stays mended', () => {
  test.each([...regressions, ...faultRegressions])('$name', async ({ seed, history }) => {
    expect(await brokenIn({ seed, history })).toBeUndefined()
  })
})

test.each([3, 12, 45])('seed %i tells the same story twice', async (seed) => {
  const [first, second] = [await simulate({ seed }), await simulate({ seed })]
  expect(second.story.join('\n')).toBe(first.story.join('\n'))
  expect(first.acts).toBeGreaterThan(0)
})

test('different seeds are different worlds', async () => {
  expect((await simulate({ seed: 1 })).story).not.toEqual((await simulate({ seed: 2 })).story)
})

/** What is broken, with the end of the story; undefined when nothing is. */
async function brokenIn(options: Parameters<typeof simulate>[0]): Promise<string | undefined> {
  const { violation, story, seed, profile }: Outcome = await simulate(options)
  if (!violation) return undefined
  const replay = `npm run simulate -- --seed ${seed}`
  return [
    ...story.slice(-60),
    `seed ${seed} (${profile}) breaks '${violation.invariant}': ${violation.message}`,
    replay,
  ].join('\n')
}
