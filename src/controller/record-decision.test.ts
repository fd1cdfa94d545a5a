import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { ReleaseDecision, Store } from '../store/store.ts'
import type { Clock } from '../system/clock.ts'
import { recordDecision } from './record-decision.ts'

const decision: ReleaseDecision = {
  release: { stack: 'shop', environment: 'production', services: {} },
  decision: 'up',
  reason: 'the stack file changed',
  by: 'ada',
  atMs: 1,
  ends: [],
  entries: [],
  starts: [{ service: 'web', from: null, to: 'a'.repeat(64) }],
}

/** On which no time passes. */
const clock: Clock = { now: () => 0, steady: () => 0, sleep: async () => undefined }
const noRoom = new RepaveError('DISK_FULL', 'no room to write the store', { hint: 'free some disk space' })

test('a decision that the store could not record is refused', async () => {
  const store = createMemoryStore()
  const known = (await store.decide(decision)).record
  const full: Store = { ...store, decide: () => Promise.reject(noRoom) }
  await expect(recordDecision({ store: full, clock }, decision, known)).rejects.toBe(noRoom)
})

test('a decision that the store recorded counts, although the store reported an error', async () => {
  const store = createMemoryStore()
  const known = (await store.decide({ ...decision, starts: [] })).record
  const decide: Store['decide'] = async (asked) => {
    await store.decide(asked)
    throw noRoom
  }
  const { record, started } = await recordDecision(
    { store: { ...store, decide }, clock },
    { ...decision, atMs: 2 },
    known,
  )
  expect(record).toMatchObject({ sequence: known.sequence + 1, atMs: 2 })
  expect(started).toMatchObject([{ service: 'web', state: 'running' }])
})

test('a store that can not be read is asked again whether it has the decision', async () => {
  const store = createMemoryStore()
  const known = (await store.decide({ ...decision, starts: [] })).record
  let failures = 3
  const failing: Store = {
    ...store,
    decide: async (asked) => store.decide(asked).then(() => Promise.reject(noRoom)),
    currentRelease: (scope) => (failures-- > 0 ? Promise.reject(noRoom) : store.currentRelease(scope)),
  }
  const { record } = await recordDecision({ store: failing, clock }, { ...decision, atMs: 2 }, known)
  expect(record.atMs).toBe(2)
})
