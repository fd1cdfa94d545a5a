import { expect, test } from 'vitest'
import { RepaveError } from '../errors.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { ReleaseDecision, Store } from '../store/store.ts'
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

const noRoom = new RepaveError('DISK_FULL', 'no room to write the store', { hint: 'free some disk space' })

test('a decision that the store could not record is refused', async () => {
  const store = createMemoryStore()
  const known = (await store.decide(decision)).record
  const full: Store = { ...store, decide: () => Promise.reject(noRoom) }
  await expect(recordDecision(full, decision, known)).rejects.toBe(noRoom)
})

test('a decision that the store recorded counts, although the store reported an error', async () => {
  const store = createMemoryStore()
  const known = (await store.decide({ ...decision, starts: [] })).record
  const decide: Store['decide'] = async (asked) => {
    await store.decide(asked)
    throw noRoom
  }
  const { record, started } = await recordDecision({ ...store, decide }, { ...decision, atMs: 2 }, known)
  expect(record).toMatchObject({ sequence: known.sequence + 1, atMs: 2 })
  expect(started).toMatchObject([{ service: 'web', state: 'running' }])
})
