import { expect, test } from 'vitest'
import { seededRandom, systemRandom } from './random.ts'

test('one seed is one sequence', () => {
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})

function draw(seed: number): readonly unknown[] {
  const random = seededRandom(seed)
  return [random.next(), random.integer(1000), random.pick(['a', 'b', 'c', 'd'])]
}

test.each([
  ['seeded', seededRandom(1)],
  ['system', systemRandom],
])('%s draws stay within their bounds and reach them all', (_, random) => {
  const integers = new Set(Array.from({ length: 500 }, () => random.integer(4)))
  expect(integers).toEqual(new Set([0, 1, 2, 3]))
  const picks = new Set(Array.from({ length: 500 }, () => random.pick(['a', 'b'])))
  expect(picks).toEqual(new Set(['a', 'b']))
  const floats = Array.from({ length: 500 }, () => random.next())
  expect(floats.every((float) => float >= 0 && float < 1)).toBe(true)
  expect(() => random.pick([])).toThrow('nothing to pick from')
})
