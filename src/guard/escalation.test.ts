import { expect, test } from 'vitest'
import { escalatedAtMs, heldForMs } from './escalation.ts'

const policy = { after: 3, withinMs: 600_000, action: 'hold' } as const
const held = (count: number) =>
  heldForMs(
    Array.from({ length: count }, (_, index) => index),
    policy,
  )

test('three within ten minutes escalate, at the third', () => {
  expect(escalatedAtMs([0, 300_000], policy)).toBeUndefined()
  expect(escalatedAtMs([0, 300_000, 600_000], policy)).toBe(600_000)
  expect(escalatedAtMs([0, 300_000, 600_001], policy)).toBeUndefined()
})

test('it lasts, however long nothing happens', () => {
  expect(escalatedAtMs([0, 1, 2, 90_000_000], policy)).toBe(2)
})

test('each further taint holds the service for longer, five minutes at most', () => {
  expect([2, 3, 4, 5, 6, 7, 8, 9, 100].map(held)).toEqual([
    0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
  ])
})
