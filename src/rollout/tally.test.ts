import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyHistogram } from './latency-histogram.ts'
import { Tally } from './tally.ts'

test('what was cut and what the server got wrong are errors, what the client got wrong is none', () => {
  const tally = new Tally()
  for (const status of [200, 302, 404, 499, 500, 503, 0]) tally.count(status, 1)
  expect([tally.answers, tally.errors]).toEqual([7, 3])
})

test('tallies add up', () => {
  const [tally, other] = [new Tally(), new Tally()]
  tally.count(200, 10, 90)
  other.count(500, 1_000, 10)
  other.count(200, 1_000, 5)
  tally.add(other)
  expect([tally.answers, tally.errors, tally.latencies.slowerThan(20)]).toEqual([105, 10, 5])
})

test('percentiles are right within 5 %, at any scale', () => {
  const times = fc.array(fc.double({ min: 0.1, max: 1_000_000, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 100 }), (timesMs, percentile) => {
      const histogram = new LatencyHistogram()
      for (const timeMs of timesMs) histogram.count(timeMs)
      const exactMs = timesMs.toSorted((a, b) => a - b)[Math.ceil((timesMs.length * percentile) / 100) - 1] ?? NaN
      const boundMs = histogram.percentileMs(percentile) ?? NaN
      expect(boundMs / exactMs).toBeGreaterThan(0.999)
      expect(boundMs / exactMs).toBeLessThan(1.05)
      expect(histogram.slowerThan(boundMs)).toBeLessThanOrEqual((timesMs.length * (100 - percentile)) / 100)
    }),
  )
})

test('no time is too odd, and no answers have no percentile', () => {
  const histogram = new LatencyHistogram()
  expect(histogram.percentileMs(95)).toBeUndefined()
  for (const timeMs of [0, -1, Infinity]) histogram.count(timeMs)
  expect(histogram.total).toBe(3)
  expect(histogram.slowerThan(1_000)).toBe(1)
})
