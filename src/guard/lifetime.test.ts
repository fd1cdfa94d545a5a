import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Aged, beginnings, deadlineMs } from './lifetime.ts'

const minute = 60_000
const rule = { maxMs: 2 * minute, jitter: 0.1, paceMs: 2_000, slots: 1 }
const born = (count: number, bornAtMs = 0): readonly Aged[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `web-${index}`,
    bornAtMs,
    identity: `web-${index}@${bornAtMs}`,
  }))

test('an instance ends between its greatest age less the jitter, and its greatest age', () => {
  const ends = born(1_000).map((instance) => deadlineMs(instance, rule))
  expect(Math.min(...ends)).toBeGreaterThanOrEqual(1.8 * minute)
  expect(Math.max(...ends)).toBeLessThanOrEqual(2 * minute)
  expect(new Set(ends).size).toBeGreaterThan(990)
})

test('where it has no jitter, those born together end one after the other, the last one just in time', () => {
  const begins = [...beginnings(born(3), { ...rule, jitter: 0 }).values()].toSorted((a, b) => a - b)
  expect(begins).toEqual([114_000, 116_000, 118_000])
})

test('two places are used side by side', () => {
  const begins = [...beginnings(born(4), { ...rule, jitter: 0, slots: 2 }).values()].toSorted((a, b) => a - b)
  expect(begins).toEqual([116_000, 116_000, 118_000, 118_000])
})

test('no more than there is time for go in the first half of their lives', () => {
  const begins = [...beginnings(born(100), { ...rule, paceMs: 10_000 }).values()]
  expect(Math.min(...begins)).toBeGreaterThanOrEqual(0.9 * minute)
})

test('whatever their ages, who begins on time is done by each deadline, with as many at a time as there are places', () => {
  const ages = fc.array(fc.integer({ min: 0, max: 10 * minute }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(ages, fc.integer({ min: 1, max: 5 }), (births, slots) => {
      const instances = births.map((bornAtMs, index) => ({ name: `${index}`, bornAtMs, identity: `${index}` }))
      const some = { ...rule, slots }
      const begins = beginnings(instances, some)
      for (const each of instances)
        expect((begins.get(each.name) ?? Infinity) + rule.paceMs).toBeLessThanOrEqual(deadlineMs(each, some))
      for (const beginMs of begins.values()) {
        const atOnce = [...begins.values()].filter((other) => other <= beginMs && other + rule.paceMs > beginMs)
        expect(atOnce.length).toBeLessThanOrEqual(slots)
      }
    }),
  )
})
