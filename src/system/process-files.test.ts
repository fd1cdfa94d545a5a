import { expect, test } from 'vitest'
import { isLive, readState } from './process-files.ts'

test('a process whose name has brackets and blanks', () => {
  const text =
    '1234 (a) S (b) R) S 77 1234 1234 0 -1 4194560 208 0 0 0 0 0 0 0 20 0 1 0 987654 4481024 64 18446744073709551615'
  expect(readState(text)).toEqual({ state: 'S', parent: 77, isKernelThread: false, startedAt: 987_654 })
})

test('a thread of the kernel', () => {
  const text = '2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 18446744073709551615'
  expect(readState(text)).toEqual({ state: 'S', parent: 0, isKernelThread: true, startedAt: 5 })
})

test('a process that ended while it was asked', () => {
  const text = '1234 (sh) R 0 -1 -1 0 -1 4228108 0 0 0 0 0 0 0 0 20 0 0 0 987654 0 0 18446744073709551615'
  expect(readState(text)).toEqual({ state: 'X', parent: 0, isKernelThread: false, startedAt: 987_654 })
})

test('text that is cut short', () => {
  expect(readState('1234 (a)')).toBeUndefined()
})

test.each([
  ['R', true],
  ['D', true],
  ['T', true],
  ['Z', false],
  ['X', false],
])('state %s runs code: %s', (state, live) => {
  expect(isLive({ state, parent: 1, isKernelThread: false, startedAt: 0 })).toBe(live)
})

test('a process that is gone', () => {
  expect(isLive(undefined)).toBe(false)
})
