import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import type { Bookmarks } from '../notify.ts'
import { MemoryBookmarks } from '../memory/memory-bookmarks.ts'
import { DiskBookmarks } from './disk-bookmarks.ts'

const kept = new Map([['shop/production https://a', { after: 12, open: [3, 9] }]])

test.each([
  ['in memory', (): Bookmarks => new MemoryBookmarks()],
  ['on disk', (folder: string): Bookmarks => new DiskBookmarks(join(folder, 'notifications.json'))],
])('%s, what was written last is read', async (_name, create) => {
  await using folder = await temporaryFolder()
  const bookmarks = create(folder.path)
  expect(await bookmarks.read()).toEqual(new Map())
  await bookmarks.write(new Map([['hook', { after: 1, open: [] }]]))
  await bookmarks.write(kept)
  expect(await bookmarks.read()).toEqual(kept)
})

test('only the owner may read them', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'notifications.json')
  await new DiskBookmarks(file).write(kept)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test.each(['', '{', '[]', '{"form":2,"receivers":{}}', '{"form":1,"receivers":{"a":{"after":"x","open":[]}}}'])(
  'of %s nothing can be made, and nothing is',
  async (text) => {
    await using folder = await temporaryFolder()
    const file = await folder.write('notifications.json', text)
    expect(await new DiskBookmarks(file).read()).toEqual(new Map())
  },
)

test('a file that can not be written is said to be so', async () => {
  const bookmarks = new DiskBookmarks('/proc/notifications.json')
  await expect(bookmarks.write(kept)).rejects.toThrow()
})
