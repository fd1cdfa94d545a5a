import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import { exitOfDifferences, exitOfError, exitOfResult } from './exit.ts'

test.each([
  ['USAGE', 2],
  ['FILE_INVALID', 2],
  ['ROLLOUT_ABORTED', 1],
  ['CONTROLLER_UNREACHABLE', 1],
] as const)('%s exits %i, as an error and as a result', (code, exit) => {
  expect(exitOfError(new RepaveError(code, 'm', { hint: 'h' }))).toBe(exit)
  expect(exitOfResult({ ok: false, services: [], changed: true, code })).toBe(exit)
})

test('a result that is well exits 0, one with an unknown code 1', () => {
  expect(exitOfResult({ ok: true, services: [], changed: true })).toBe(0)
  expect(exitOfResult({ ok: false, services: [], changed: true, code: 'NEW' })).toBe(1)
})

test('differences exit 4 only where that was asked for', () => {
  expect([exitOfDifferences(3, true), exitOfDifferences(3, false), exitOfDifferences(0, true)]).toEqual([4, 0, 0])
})
