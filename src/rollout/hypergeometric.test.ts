import { expect, test } from 'vitest'
import { logProbability, type Margins, upperTail } from './hypergeometric.ts'

const oddsTried = [1, 1.5, 3, 30]

test('probabilities and tails are those of the distribution as it is written down', () => {
  for (const margins of smallMargins())
    for (const observed of support(margins))
      for (const odds of oddsTried) {
        const expected = Math.log(probability(margins, observed, odds))
        expect(logProbability(margins, observed, odds)).toBeCloseTo(expected, 10)
        const atLeast = support(margins).filter((events) => events >= observed)
        const tail = atLeast.reduce((sum, events) => sum + probability(margins, events, odds), 0)
        expect(upperTail(margins, observed, odds)).toBeCloseTo(tail, 10)
      }
})

test("it is Fisher's exact test of the lady who tastes tea", () => {
  expect(upperTail({ ours: 4, theirs: 4, events: 4 }, 3, 1)).toBeCloseTo(17 / 70, 12)
})

test('margins of millions are no trouble', () => {
  const margins = { ours: 1_000_000, theirs: 1_000_000, events: 100_000 }
  expect(upperTail(margins, 50_000, 1)).toBeCloseTo(0.5, 2)
  expect(upperTail(margins, 51_000, 1)).toBeLessThan(1e-9)
  expect(logProbability(margins, 50_000, 1)).toBeCloseTo(Math.log(1 / Math.sqrt(2 * Math.PI * 23_750)), 4)
})

function smallMargins(): readonly Margins[] {
  const sizes = [0, 1, 3, 10]
  const pairs = sizes.flatMap((ours) => sizes.map((theirs) => [ours, theirs] as const))
  return pairs.flatMap(([ours, theirs]) =>
    Array.from({ length: ours + theirs + 1 }, (_, events) => ({ ours, theirs, events })),
  )
}

function support({ ours, theirs, events }: Margins): readonly number[] {
  const least = Math.max(0, events - theirs)
  return Array.from({ length: Math.min(ours, events) - least + 1 }, (_, index) => least + index)
}

function probability(margins: Margins, observed: number, odds: number): number {
  const weight = (at: number) => choose(margins.ours, at) * choose(margins.theirs, margins.events - at) * odds ** at
  return weight(observed) / support(margins).reduce((sum, at) => sum + weight(at), 0)
}

function choose(of: number, count: number): number {
  return count === 0 ? 1 : (choose(of, count - 1) * (of - count + 1)) / count
}
