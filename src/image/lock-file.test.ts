import { readdir, readFile, stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { lockFileOf, readLock, writeLock } from './lock-file.ts'
import { emptyLock, type Lock } from './lock.ts'

const digest = `sha256:${'a'.repeat(64)}` as const
const lock: Lock = {
  lockVersion: 1,
  references: { nginx: { digest, repositoryDigest: `nginx@${digest}` }, 'acme/web:1': { digest } },
  builds: { web: { inputs: 'b'.repeat(64), digest } },
}

test('a lock is written sorted, read as the same, and left alone when nothing changed', async () => {
  await using folder = await temporaryFolder()
  const file = lockFileOf(`${folder.path}/repave.yaml`)
  expect(await readLock(file)).toEqual(emptyLock)
  expect(await writeLock(file, lock)).toBe(true)
  expect(await readLock(file)).toEqual(lock)
  const text = await readFile(file, 'utf8')
  expect(text.indexOf('acme/web:1')).toBeLessThan(text.indexOf('nginx'))
  expect(text).toMatch(/^\{\n {2}"lockVersion": 1,\n[^]*\}\n$/)
  const { ino } = await stat(file)
  const reversed = { ...lock, references: Object.fromEntries(Object.entries(lock.references).toReversed()) }
  expect(await writeLock(file, reversed)).toBe(false)
  expect((await stat(file)).ino).toBe(ino)
  expect(await writeLock(file, { ...lock, builds: {} })).toBe(true)
  expect(await readdir(folder.path)).toEqual(['repave.lock.json'])
})

test('an empty lock makes no file', async () => {
  await using folder = await temporaryFolder()
  expect(await writeLock(`${folder.path}/repave.lock.json`, emptyLock)).toBe(false)
  expect(await readdir(folder.path)).toEqual([])
})

test.each([
  ['half a file', '{"lockVersion": 1, "refer', 'FILE_SYNTAX'],
  ['nothing', '', 'FILE_SYNTAX'],
  ['another version', JSON.stringify({ ...lock, lockVersion: 2 }), 'FILE_INVALID'],
  ['a short digest', JSON.stringify({ ...lock, references: { nginx: { digest: 'sha256:12' } } }), 'FILE_INVALID'],
  ['an unknown key', JSON.stringify({ ...lock, more: 1 }), 'FILE_INVALID'],
  ['a list', '[]', 'FILE_INVALID'],
])('a lock with %s is refused, and left as it is', async (_, text, code) => {
  await using folder = await temporaryFolder()
  const file = await folder.write('repave.lock.json', text)
  const refusal = { code, message: expect.stringContaining(file), hint: expect.stringContaining('version control') }
  await expect(readLock(file)).rejects.toMatchObject(refusal)
  await expect(writeLock(file, lock)).rejects.toMatchObject(refusal)
  expect(await readFile(file, 'utf8')).toBe(text)
})

test('a lock that can not be written leaves nothing behind', async () => {
  await using folder = await temporaryFolder()
  await expect(writeLock(`${folder.path}/absent/repave.lock.json`, lock)).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
  })
})
