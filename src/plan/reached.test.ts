import { expect, test } from 'vitest'
import type { Fleet, FleetInstance } from './fleet.ts'
import { hasReached } from './reached.ts'

const [old, next] = ['a'.repeat(64), 'b'.repeat(64)]
const serving = {
  intact: true,
  phase: 'running',
  health: 'healthy',
  rotation: 'in',
  lane: 'a',
  createdAtMs: 1,
  condemned: false,
  ending: false,
} as const

function instance(version: string, changes: Partial<FleetInstance> = {}): FleetInstance {
  return { name: `web-${version.slice(0, 8)}`, version, ...serving, ...changes }
}

function fleet(instances: readonly FleetInstance[], routed = true): Fleet {
  const groups = [{ version: next, lane: 'a', count: 1, routed: 1, isKeptWhole: true }] as const
  const share = { lane: 'a', thousandths: 1_000, needs: 1, isExclusive: false, held: 1_000 } as const
  const policy = { replicas: 1, surge: 1, floor: 1, routed, drainMs: 0, isApart: false }
  const key = { stack: 'shop', environment: 'live', service: 'web' }
  return { key, target: { version: next, groups, share, ...policy }, instances, createAfterMs: new Map(), split: 0 }
}

const service = { version: next, replicas: 1 }

test('all is new as soon as nothing of the old one gets requests, and while that ends', () => {
  expect(hasReached(fleet([instance(next), instance(old)]), service)).toBe(false)
  expect(hasReached(fleet([instance(next), instance(old, { rotation: 'draining' })]), service)).toBe(true)
  expect(hasReached(fleet([instance(next), instance(old, { rotation: 'out' })]), service)).toBe(true)
  expect(hasReached(fleet([instance(next), instance(old, { rotation: 'out', ending: true })]), service)).toBe(true)
})

test('without routes, all is new as soon as the old one is told to end', () => {
  const out = { rotation: 'out' } as const
  expect(hasReached(fleet([instance(next, out), instance(old, out)], false), service)).toBe(false)
  expect(hasReached(fleet([instance(next, out), instance(old, { ...out, ending: true })], false), service)).toBe(true)
})
