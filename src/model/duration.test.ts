import { expect, test } from 'vitest'
import { durationWords } from './duration.ts'

test.each([
  [0, '0 s'],
  [7, '0.007 s'],
  [312, '0.31 s'],
  [3_249, '3.2 s'],
  [12_300, '12 s'],
  [59_400, '59 s'],
  [59_500, '1 m'],
  [63_000, '1 m 3 s'],
  [600_000, '10 m'],
  [3_599_900, '1 h'],
  [7_384_000, '2 h 3 m'],
  [90_000_000, '1 d 1 h'],
])('%i ms are %s', (ms, words) => {
  expect(durationWords(ms)).toBe(words)
})
