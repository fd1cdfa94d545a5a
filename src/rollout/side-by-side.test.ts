import { expect, test } from 'vitest'
import { logProbability } from './hypergeometric.ts'
import { SideBySide } from './side-by-side.ts'

/** In each stratum there are four answers of either version, and half of all are bad. */
const margins = { ours: 4, theirs: 4, events: 4 }
const strata = 5

test.each([1, 2])(
  'it is as seldom wrong as it says, over all that can happen with %d times the odds borne',
  (borne) => {
    for (const alpha of [0.1, 0.01]) expect(probabilityOfWorse([], borne, alpha, borne)).toBeLessThanOrEqual(alpha)
  },
)

test('what is worse than is borne is found', () => {
  expect(probabilityOfWorse([], 1, 0.1, 30)).toBeGreaterThan(0.9)
})

/** Of calling ours worse at one of the looks after each stratum, given the bad ones of ours in the strata so far. */
function probabilityOfWorse(bad: readonly number[], borne: number, alpha: number, odds: number): number {
  if (finding(bad, borne, alpha) === 'worse') return 1
  if (bad.length === strata) return 0
  const outcomes = [0, 1, 2, 3, 4].map((next) => {
    const probability = Math.exp(logProbability(margins, next, odds))
    return probability * probabilityOfWorse([...bad, next], borne, alpha, odds)
  })
  return outcomes.reduce((sum, each) => sum + each, 0)
}

function finding(bad: readonly number[], borne: number, alpha: number): string {
  const sideBySide = new SideBySide(borne, alpha)
  for (const events of bad) sideBySide.take({ exposed: 4, events }, { exposed: 4, events: 4 - events })
  return sideBySide.finding
}
