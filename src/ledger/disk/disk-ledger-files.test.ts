import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import { ledgerFilesContract } from '../ledger-files-contract.ts'
import { DiskLedgerFiles } from './disk-ledger-files.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function folderPath(): Promise<string> {
  const folder = await temporaryFolder()
  cleanUps.push(async () => folder[Symbol.asyncDispose]())
  return join(folder.path, 'deep', 'ledger')
}

ledgerFilesContract('disk', async () => {
  const folder = await folderPath()
  return { files: new DiskLedgerFiles(folder), reopen: () => new DiskLedgerFiles(folder) }
})

test('what a dead writer left half-way is swept by the next one', async () => {
  const folder = await folderPath()
  await mkdir(join(folder, '.incoming'), { recursive: true })
  await writeFile(join(folder, '.incoming', '7'), 'half')
  await new DiskLedgerFiles(folder).write([{ path: 'checkpoint', bytes: Buffer.from('whole') }])
  expect(await readdir(join(folder, '.incoming'))).toEqual([])
  expect(await readdir(folder)).toEqual(['.incoming', 'checkpoint'])
})

test('reading makes nothing', async () => {
  const folder = await folderPath()
  expect(await new DiskLedgerFiles(folder).read('checkpoint')).toBeUndefined()
  await expect(stat(folder)).rejects.toThrow('ENOENT')
})

test('a file of any other size than a ledger has is not read', async () => {
  const folder = await folderPath()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'checkpoint'), '')
  await truncate(join(folder, 'checkpoint'), 2 ** 40)
  await expect(new DiskLedgerFiles(folder).read('checkpoint')).rejects.toThrow(
    expect.objectContaining({ code: 'FILE_TOO_LARGE' }),
  )
})

test('writes that overlap are whole, each', async () => {
  const folder = await folderPath()
  const files = new DiskLedgerFiles(folder)
  const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`)
  await Promise.all(texts.map((text) => files.write([{ path: `tile/${text}`, bytes: Buffer.from(text) }])))
  for (const text of texts) expect(String(await files.read(`tile/${text}`))).toBe(text)
})

test('after a write that failed, the next one goes well', async () => {
  const folder = await folderPath()
  const files = new DiskLedgerFiles(folder)
  await mkdir(join(folder, 'checkpoint', 'in-the-way'), { recursive: true })
  const write = () => files.write([{ path: 'checkpoint', bytes: Buffer.from('whole') }])
  await expect(write()).rejects.toThrow('checkpoint')
  await rm(join(folder, 'checkpoint'), { recursive: true })
  await write()
  expect(await readdir(join(folder, '.incoming'))).toEqual([])
})
