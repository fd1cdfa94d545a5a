import { expect, test } from 'vitest'
import type { Outcome } from '../../test/load/tally.ts'
import { changeFigures } from './figures.ts'

const change = { instances: 2, to: 'new', askedAtMs: 1_000, doneAtMs: 1_300 }

function answer(atMs: number, release: string, instance: string, tookMs = 1): Outcome {
  return { kind: 'answer', sentAtMs: atMs - tookMs, atMs, tookMs, release, instance }
}

const before = answer(900, 'old', 'a', 80)
const trace = [before, answer(1_100, 'old', 'a'), answer(1_110, 'new', 'c', 9), answer(1_200, 'old', 'b')]

test('all are new when each has answered and the peer has said so', () => {
  expect(changeFigures([...trace, answer(1_250, 'new', 'd')], change)).toMatchObject({ allNewMs: 300 })
  expect(changeFigures([...trace, answer(1_400, 'new', 'd')], change)).toMatchObject({ allNewMs: 400 })
})

test('it has switched when the new version answers, and the old one no more', () => {
  const apart = [answer(1_010, 'old', 'a'), answer(1_250, 'new', 'c'), answer(1_260, 'new', 'd')]
  expect(changeFigures(apart, change)).toMatchObject({ lastOldMs: 10, switchedMs: 250 })
  expect(changeFigures([...trace, answer(1_250, 'new', 'd')], change)).toMatchObject({ switchedMs: 200 })
})

test('the last old answer may come after the end', () => {
  const late = [...trace, answer(1_250, 'new', 'd'), answer(1_500, 'old', 'b')]
  expect(changeFigures(late, change)).toMatchObject({ allNewMs: 300, lastOldMs: 500 })
})

test('what was before and what came after does not count into the latency', () => {
  expect(changeFigures([...trace, answer(1_250, 'new', 'd'), answer(1_600, 'new', 'd', 70)], change).p99Ms).toBe(9)
})

test('failures count since the change was asked for', () => {
  const failure = { kind: 'failure', sentAtMs: 0, tookMs: 1, request: 'GET', reason: 'HTTP 503' } as const
  const failing = [{ ...failure, atMs: 999 }, ...trace, answer(1_250, 'new', 'd'), { ...failure, atMs: 1_700 }]
  expect(changeFigures(failing, change).failed).toBe(1)
})

test('an instance that never answered is a failed measurement', () => {
  expect(() => changeFigures(trace, change)).toThrow('1 of 2 instances of new have answered')
})
