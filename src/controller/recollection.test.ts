import { beforeEach, expect, test } from 'vitest'
import type { ObservedInstance } from '../engine/engine.ts'
import { VirtualClock } from '../system/virtual-clock.ts'
import { HealthWatch } from './health.ts'
import { Recollection } from './recollection.ts'

const key = { stack: 'shop', environment: 'live', service: 'web' }
let recollection: Recollection

beforeEach(() => {
  const probe = { probe: async () => ({ healthy: true, answer: 'HTTP 200' }) }
  recollection = new Recollection(new HealthWatch(new VirtualClock(), probe, () => {}))
})

test('instances that end by themselves before they are proven are a crash loop', () => {
  for (const atMs of [1_000, 2_000, 3_000]) recollection.mourn([exited(atMs)], () => true, atMs)
  expect(recollection.crashLoop(key, '4f9a1c2b')).toMatchObject({ failures: 3, lastExit: 'exited with code 1' })
})

test('one end is counted once, however often it is seen', () => {
  for (const atMs of [1_000, 1_001, 1_002]) recollection.mourn([exited(1_000)], () => true, atMs)
  expect(recollection.crashLoop(key, '4f9a1c2b').failures).toBe(1)
})

test('instances that are not wanted any more are none, also when they are wanted again', () => {
  for (const atMs of [1_000, 2_000, 3_000]) recollection.mourn([exited(atMs)], () => false, atMs)
  recollection.mourn([exited(3_000)], () => true, 3_500)
  expect(recollection.crashLoop(key, '4f9a1c2b').failures).toBe(0)
})

test('instances that were told to end are none', () => {
  const instance = exited(1_000)
  recollection.noteIntent('destroy', instance.name)
  recollection.mourn([instance], () => true, 1_000)
  expect(recollection.crashLoop(key, '4f9a1c2b').failures).toBe(0)
})

test('an instance that is made is another one than any of its name before, whatever the clock says', () => {
  const { name } = exited(1_000)
  recollection.condemn(name)
  recollection.noteIntent('destroy', name)
  expect([recollection.isCondemned(name), recollection.isEnding(name)]).toEqual([true, true])
  recollection.noteIntent('create', name)
  expect([recollection.isCondemned(name), recollection.isEnding(name)]).toEqual([false, false])
})

function exited(atMs: number): ObservedInstance {
  return {
    ...key,
    name: 'shop-live-web-4f9a1c2b-1',
    claimed: '4f9a1c2b',
    version: '4f9a1c2b',
    phase: 'exited',
    isPaused: false,
    createdAtMs: atMs - 100,
    startedAtMs: atMs - 50,
    exit: { code: 1, outOfMemory: false, atMs },
  }
}
