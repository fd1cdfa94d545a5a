import { expect, test } from 'vitest'
import { openLibc } from './libc.ts'
import { ProcessBook } from './process-book.ts'
import type { Watched } from './watched.ts'

test('a process that is newer than the list of those that there are has not ended', () => {
  const book = new ProcessBook({ ...openLibc(), netlinkSocket: () => -1 })
  const watched = watchedSelf()
  book.seed([watched])
  book.tidy(new Set(), 0)
  book.tidy(new Set(), 60_000)
  expect(book.ownerOf(process.pid)).toBe(watched)
})

/** This process stands for the instance's first. */
function watchedSelf(): Watched {
  return {
    subject: { instance: 'web-1', containerId: '1', pid: process.pid, uid: 0, tmpfs: [], data: [], image: 'sha256:1' },
    startedAt: 0,
    mounts: [],
    rootDevice: 0,
    upperFolder: undefined,
    tmpfs: [],
    namespaces: [],
    guests: new Set(),
    hasEnded: false,
  }
}
