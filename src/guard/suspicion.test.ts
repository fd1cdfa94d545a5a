import { expect, test } from 'vitest'
import { isSensorSuspect } from './suspicion.ts'

const at = (count: number, atMs = 0) => Array.from({ length: count }, () => atMs)

test.each([
  ['one of three', 3, at(1), false],
  ['two of three', 3, at(2), false],
  ['all of three', 3, at(3), true],
  ['three of ten', 10, at(3), false],
  ['four of ten', 10, at(4), true],
  ['thirty of a hundred', 100, at(30), false],
  ['thirty-one of a hundred', 100, at(31), true],
])('%s at once', (_words, instances, touchedAtMs, isSuspect) => {
  expect(isSensorSuspect({ instances, touchedAtMs }, 5_000)).toBe(isSuspect)
})

test('what was touched longer ago is no crowd', () => {
  expect(isSensorSuspect({ instances: 10, touchedAtMs: [...at(3), 20_000] }, 20_000)).toBe(false)
})
