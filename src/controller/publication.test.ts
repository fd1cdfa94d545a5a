import { beforeEach, describe, expect, test } from 'vitest'
import type { LedgerFiles } from '../ledger/ledger-files.ts'
import { memorySigner, openMemoryLedger } from '../ledger/memory/memory-ledger.ts'
import { MemoryLedgerFiles } from '../ledger/memory/memory-ledger-files.ts'
import { formatVerifierKey } from '../ledger/key.ts'
import { verifyLedger } from '../ledger/verify.ts'
import { RepaveError } from '../errors.ts'
import type { Entry } from '../model/entry.ts'
import { blobPath, type Release, releaseId } from '../model/release.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { VirtualClock } from '../system/virtual-clock.ts'
import { Publication } from './publication.ts'

const scope = { stack: 'shop', environment: 'production' }
const release: Release = { ...scope, services: {} }
const decided: Entry = { atMs: 1, ...scope, kind: 'decision.up', by: 'ada', message: 'up', release: releaseId(release) }
const signer = memorySigner()
const key = formatVerifierKey(signer.key)

let clock: VirtualClock
let store: Store
let files: MemoryLedgerFiles
let log: string[]

beforeEach(() => {
  clock = new VirtualClock(1_000)
  store = createMemoryStore()
  files = new MemoryLedgerFiles()
  log = []
})

async function open(seenFiles: LedgerFiles = files, retention?: ConstructorParameters<typeof Publication>[1]) {
  const openLedger = () => openMemoryLedger(seenFiles, signer)
  const publication = new Publication({ store, clock, openLedger, log: (line) => log.push(line) }, retention)
  await publication.start()
  return publication
}

async function decide(): Promise<void> {
  const decision = { release, decision: 'up', reason: 'up', by: 'ada', atMs: 1 } as const
  await store.decide({ ...decision, starts: [], ends: [], entries: [decided] })
}

async function append(count: number, message = 'made'): Promise<void> {
  for (let made = 0; made < count; made += 1)
    await store.append({ atMs: made, ...scope, kind: 'create.done', by: 'repave', message })
}

test('what was recorded is in the files a moment later, with what was decided, and is signed', async () => {
  const publication = await open()
  await decide()
  publication.wake()
  await clock.advance(100)
  await append(300)
  publication.wake()
  await clock.advance(1_000)
  expect(await verifyLedger(files, { key })).toMatchObject({ ok: true, size: 301, problems: [] })
  expect(Buffer.from((await files.read(blobPath(release)))!).toString()).toBe(
    '{"environment":"production","services":{},"stack":"shop"}',
  )
})

test('what is left is published when it stops', async () => {
  const publication = await open()
  await append(3)
  await publication.stop()
  expect(await verifyLedger(files, { key })).toMatchObject({ ok: true, size: 3 })
})

test('what could not be written is told, and tried again', async () => {
  const failing = new MemoryLedgerFiles()
  const full = new RepaveError('DISK_FULL', 'no room', { hint: 'make some' })
  const whole = failing.write.bind(failing)
  const publication = await open(Object.assign(failing, { write: () => Promise.reject(full) }))
  await append(3)
  publication.wake()
  await clock.advance(3_000)
  expect(publication.troubles()).toEqual([full])
  expect(log).toEqual(['publish failed: no room'])
  Object.assign(failing, { write: whole })
  await clock.advance(10_000)
  expect(publication.troubles()).toEqual([])
  expect(await verifyLedger(failing, { key })).toMatchObject({ ok: true, size: 3 })
})

describe('a controller starts', () => {
  test('where its store goes on from what was signed', async () => {
    await append(5)
    await (await open()).stop()
    await append(1)
    await open()
  })

  test('not where the store is an older state of it', async () => {
    await append(5)
    await (await open()).stop()
    store = createMemoryStore()
    await append(4)
    await expect(open()).rejects.toThrow(expect.objectContaining({ code: 'LEDGER_BEHIND' }))
  })

  test('not where an older state has gone on another way', async () => {
    await append(5)
    await (await open()).stop()
    store = createMemoryStore()
    await append(4)
    await append(300, 'something else')
    await expect(open()).rejects.toThrow(expect.objectContaining({ code: 'LEDGER_BEHIND' }))
  })

  test('not where the files are gone that have what the store has forgotten', async () => {
    await append(5)
    await store.forget(2)
    await expect(open()).rejects.toThrow(expect.objectContaining({ code: 'LEDGER_INVALID' }))
  })
})

test('store and files keep what they have to, and verification knows what is pruned', async () => {
  const retention = { inStore: 20, inFiles: 300, step: 256 }
  const publication = await open(files, retention)
  await append(600)
  await publication.stop()
  const next = await open(files, retention)
  await append(300)
  await next.stop()
  expect((await store.entries({}))[0]?.sequence).toBeGreaterThanOrEqual(880)
  const pruned = await store.entries({ kinds: ['ledger.pruned'] })
  expect(pruned.map(({ before }) => before)).toEqual([512])
  expect(await files.read('tile/entries/001')).toBeUndefined()
  expect(await files.read('tile/entries/002')).toBeDefined()
  expect(await verifyLedger(files, { key })).toMatchObject({ ok: true, prunedBefore: 512, problems: [] })
})
