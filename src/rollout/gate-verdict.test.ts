import { expect, test } from 'vitest'
import { gateVerdict } from './gate-verdict.ts'

test.each([
  [0, 'fine'],
  [2, 'fine'],
  [2.5, 'worse'],
  [-1, 'worse'],
  [Infinity, 'worse'],
  [NaN, 'insufficient'],
  [undefined, 'insufficient'],
])('%d is %s where 0 to 2 are wanted', (value, kind) => {
  expect(gateVerdict({ name: 'errors', min: 0, max: 2 }, value).kind).toBe(kind)
})

test('the reason has the number and the bound', () => {
  expect(gateVerdict({ name: 'queue', max: 100 }, 250)).toEqual({
    kind: 'worse',
    reason: 'queue: 250 is more than 100',
  })
  expect(gateVerdict({ name: 'queue', min: 1 }, 0)).toEqual({ kind: 'worse', reason: 'queue: 0 is less than 1' })
  expect(gateVerdict({ name: 'queue' }, undefined)).toEqual({
    kind: 'insufficient',
    reason: 'queue: there are no data',
  })
})
