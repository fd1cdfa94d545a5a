import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backupSourceOf, ledgerFiles, ledgerFolderOf, restartLedgerOf } from '../compose.ts'
import { Publication } from '../controller/publication.ts'
import { addWitness, openDiskLedger } from '../ledger/disk/disk-ledger.ts'
import { formatVerifierKey, createSigner, generatePrivateKey } from '../ledger/key.ts'
import { readPublicKey } from '../ledger/public-key.ts'
import { verifyLedger } from '../ledger/verify.ts'
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { systemClock } from '../system/clock.ts'
import { temporaryFolder, type TemporaryFolder } from '../system/temporary-folder.ts'
import { backUp } from './backup.ts'
import { restore } from './restore.ts'

const at = new Date('2026-11-24T08:00:00Z')
let folder: TemporaryFolder
let home: string
let store: Store

beforeEach(async () => {
  folder = await temporaryFolder()
  home = join(folder.path, 'home')
  await mkdir(home)
  store = createSqliteStore(join(home, 'state.sqlite'))
})
afterEach(async () => {
  await store.close()
  await folder[Symbol.asyncDispose]()
})

async function record(count: number, into: Store = store): Promise<void> {
  for (let made = 0; made < count; made += 1)
    await into.append({ atMs: made, kind: 'create.done', by: 'repave', message: 'made' })
}

async function publish(of: string = home, from: Store = store): Promise<void> {
  const openLedger = async () => ({ ...(await openDiskLedger(of)), witnesses: [] })
  const publication = new Publication({ store: from, clock: systemClock, openLedger, log: () => {} })
  await publication.start()
  await publication.stop()
}

async function verified(of: string = home) {
  const files = ledgerFiles(ledgerFolderOf(of))
  return verifyLedger(files, { key: (await readPublicKey(files)) ?? '' })
}

test('a state is restored as it was, while its controller went on', async () => {
  await record(300)
  await publish()
  await record(2)
  const backup = join(folder.path, 'backup')
  const [report] = await Promise.all([backUp(backupSourceOf(home), backup, at), record(50)])
  expect(report).toMatchObject({ folder: backup, at: at.toISOString(), entries: 300 })
  const other = join(folder.path, 'other')
  await mkdir(other)
  expect(await restore(backup, other, false, at)).toEqual({ at: at.toISOString() })
  const restored = createSqliteStore(join(other, 'state.sqlite'))
  expect(await restored.size()).toBeGreaterThanOrEqual(302)
  await publish(other, restored)
  expect(await verified(other)).toMatchObject({ ok: true, size: await restored.size() })
  await restored.close()
})

test('witnesses are kept too', async () => {
  await record(1)
  await publish()
  const key = formatVerifierKey(createSigner('witness', 'example.com/w', generatePrivateKey()).key)
  await addWitness(home, { url: 'http://127.0.0.1:1', key })
  const backup = join(folder.path, 'backup')
  await backUp(backupSourceOf(home), backup, at)
  const other = join(folder.path, 'other')
  await mkdir(other)
  await restore(backup, other, false, at)
  expect((await openDiskLedger(other)).witnesses).toEqual([{ url: 'http://127.0.0.1:1', key }])
})

describe('a backup that is not whole is refused, and nothing is changed', () => {
  let backup: string
  beforeEach(async () => {
    await record(5)
    await publish()
    backup = join(folder.path, 'backup')
    await backUp(backupSourceOf(home), backup, at)
  })

  test.each([
    [
      'a changed file',
      async () => appendFile(join(backup, 'state.sqlite'), 'x'),
      /state\.sqlite .* not as it was written/,
    ],
    ['a missing file', async () => rm(join(backup, 'ledger/checkpoint')), /ledger\/checkpoint .* missing/],
    [
      'a file too many',
      async () => writeFile(join(backup, 'ledger/more'), ''),
      /ledger\/more .* not as it was written/,
    ],
    ['no manifest', async () => rm(join(backup, 'backup.json')), /has no backup\.json/],
    ['another manifest', async () => writeFile(join(backup, 'backup.json'), '{"format":2}'), /not as `repave backup`/],
  ])('%s', async (_, spoil, message) => {
    await spoil()
    const other = join(folder.path, 'other')
    await mkdir(other)
    const refused = restore(backup, other, false, at)
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'BACKUP_INVALID' }))
    await expect(refused).rejects.toThrow(message)
    expect(await readdir(other)).toEqual([])
  })

  test('nor is a state overwritten unasked', async () => {
    const before = await readFile(join(home, 'ledger/checkpoint'), 'utf8')
    await expect(restore(backup, home, false, at)).rejects.toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE' }))
    await store.close()
    const { replaced } = await restore(backup, home, true, at)
    expect(await readFile(join(replaced ?? '', 'ledger/checkpoint'), 'utf8')).toBe(before)
    store = createSqliteStore(join(home, 'state.sqlite'))
    expect(await store.size()).toBe(5)
  })

  test('and no folder that has something in it becomes a backup', async () => {
    await expect(backUp(backupSourceOf(home), backup, at)).rejects.toThrow(/is not empty/)
  })
})

test('a ledger begun anew has another name, quotes the last checkpoint, and leaves the one before as it was', async () => {
  await record(5)
  await publish()
  const checkpoint = await readFile(join(home, 'ledger/checkpoint'), 'utf8')
  const before = await verified()
  const { past } = await restartLedgerOf(home, 'the disk was lost', 'ada')
  await publish()
  const after = await verified()
  expect(after).toMatchObject({ ok: true, size: 1 })
  expect(after.origin).not.toBe(before.origin)
  expect(await store.entries({})).toMatchObject([
    { sequence: 0, kind: 'ledger.restarted', by: 'ada', message: 'the disk was lost', previous: checkpoint },
  ])
  const files = ledgerFiles(past ?? '')
  expect(await verifyLedger(files, { key: (await readPublicKey(files)) ?? '' })).toEqual(before)
})

test('a ledger whose files are gone is begun anew all the same', async () => {
  await record(5)
  expect(await restartLedgerOf(home, 'never published', 'ada')).toEqual({})
  await publish()
  expect(await verified()).toMatchObject({ ok: true, size: 1 })
})
