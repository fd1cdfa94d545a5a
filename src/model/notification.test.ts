import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { noticeKinds, notificationId, notificationOf, toldKinds } from './notification.ts'

const entry: Entry & { sequence: number } = {
  sequence: 7,
  atMs: Date.UTC(2026, 10, 24),
  kind: 'rollout.aborted',
  by: 'repave',
  message: 'it never became healthy',
  stack: 'shop',
  environment: 'production',
  service: 'web',
  version: 'f'.repeat(64),
  lines: ['what it printed'],
}

test('an entry is told as the specification has it, without what an instance printed', () => {
  expect(notificationOf(entry)).toEqual({
    type: 'rollout.aborted',
    timestamp: '2026-11-24T00:00:00.000Z',
    data: {
      form: 1,
      kind: 'rollout',
      sequence: 7,
      message: 'it never became healthy',
      by: 'repave',
      stack: 'shop',
      environment: 'production',
      service: 'web',
      version: 'f'.repeat(64),
    },
  })
})

test('each kind that can be asked for has entries that are told', () => {
  const kinds = toldKinds.map((kind) => notificationOf({ ...entry, kind })?.data.kind)
  expect(new Set(kinds)).toEqual(new Set(noticeKinds))
})

test.each(['rollout.started', 'notification.failed', 'constructor', '__proto__'])('nobody is told of %s', (kind) => {
  expect(notificationOf({ ...entry, kind })).toBeUndefined()
})

const id = (sequence: number, receiver: string) => notificationId(notificationOf({ ...entry, sequence })!, receiver)

test('an id is that of one entry and one receiver', () => {
  expect(id(7, 'hook')).toBe(id(7, 'hook'))
  expect(new Set([id(7, 'hook'), id(8, 'hook'), id(7, 'other')]).size).toBe(3)
  expect(id(7, 'hook')).toMatch(/^msg_[\w-]{32}$/)
})
