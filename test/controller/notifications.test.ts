/** Who is told of what happens, and what becomes of those who can't be: in virtual time. */
import { beforeEach, expect, test } from 'vitest'
import type { Message, Receiver } from '../../src/notify/notify.ts'
import type { Entry } from '../../src/model/entry.ts'
import type { Webhook } from '../../src/model/notification.ts'
import { RepaveError } from '../../src/errors.ts'
import type { Stack } from '../../src/model/stack.ts'
import {
  badImage,
  bookmarks,
  clock,
  controller,
  ears,
  image,
  noRoom,
  openWorld,
  passing,
  result,
  scope,
  stack,
  startController,
  store,
  up,
} from './small-world.ts'

const url = 'https://hooks.example.com/repave'
const webhook: Webhook = { url, secretFile: '/etc/repave/secret' }
let told: { receiver: Receiver; message: Message }[]

beforeEach(async () => {
  await openWorld()
  told = []
  ears.listen = (receiver, message) => void told.push({ receiver, message })
})

const listening = (
  notifications: readonly Webhook[] = [webhook],
  changes: Parameters<typeof stack>[0] = {},
): Stack => ({
  ...stack(changes),
  notifications,
})
const record = (entry: Partial<Entry> = {}) =>
  store.append({ ...scope, atMs: clock.now(), kind: 'instance.tainted', by: 'repave', message: 'exec', ...entry })
const toWebhook = () => told.filter(({ receiver }) => receiver.kind === 'webhook')
const types = () => toWebhook().map(({ message }) => message.notification.type)
const soon = () => clock.advance(12_000)
const refuseWebhooks = ({ kind }: Receiver) => {
  if (kind === 'webhook') refuse()
}
const refuse = () => {
  throw new RepaveError('NOTIFICATION_FAILED', 'the webhook is away', { hint: 'wait' })
}

test('an aborted rollout reaches the webhook and the hook', async () => {
  image('web:bad', { healthyAfterMs: null })
  await result(up(listening()))
  await result(
    up(listening([webhook], { image: badImage, rollout: { ...stack().services.web!.rollout, deadlineMs: 5_000 } })),
  )
  await soon()
  expect(types()).toEqual(['rollout.aborted'])
  expect(told.map(({ receiver }) => receiver.kind).toSorted()).toEqual(['hook', 'webhook'])
  expect(toWebhook()[0]?.receiver).toEqual({ kind: 'webhook', ...webhook })
  expect(new Set(told.map(({ message }) => message.id)).size).toBe(2)
})

test('a new receiver is not told what was before it', async () => {
  await record()
  await soon()
  await result(up(listening()))
  await soon()
  expect(toWebhook()).toEqual([])
  await record({ message: 'attach' })
  await soon()
  expect(toWebhook().map(({ message }) => message.notification.data.message)).toEqual(['attach'])
})

test('only what was asked for is told, of the own environment and of the machine', async () => {
  await result(up(listening([{ ...webhook, events: ['taint', 'sensor'] }])))
  await record({ kind: 'instance.overdue' })
  await record({ environment: 'staging' })
  await record({ stack: 'other' })
  await store.append({ atMs: clock.now(), kind: 'sensor.suspected', by: 'repave', message: 'blind' })
  await record()
  await soon()
  expect(types()).toEqual(['sensor.suspected', 'instance.tainted'])
})

test('who does not take it is told again with growing delays and the same id, and keeps nobody else waiting', async () => {
  const other = 'https://other.example.com/'
  await result(up(listening([webhook, { ...webhook, url: other }])))
  const attempts: { atMs: number; id: string }[] = []
  ears.listen = (receiver, message) => {
    told.push({ receiver, message })
    if (receiver.kind !== 'webhook' || receiver.url !== url) return
    attempts.push({ atMs: clock.now(), id: message.id })
    if (attempts.length < 5) refuse()
  }
  await record()
  await clock.advance(60_000)
  const delays = attempts.slice(1).map(({ atMs }, index) => atMs - attempts[index]!.atMs)
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000])
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(1)
  expect(told.filter(({ receiver }) => receiver.kind === 'webhook' && receiver.url === other)).toHaveLength(1)
})

test('status says who can not be told', async () => {
  await result(up(listening()))
  ears.listen = refuseWebhooks
  await record()
  await soon()
  const [status] = await controller.status({})
  expect(status?.problems?.map(({ message }) => message)).toEqual(['the webhook is away'])
})

test('newer things are told while an older one is not taken', async () => {
  await result(up(listening()))
  ears.listen = (receiver, message) => {
    if (message.notification.data.message === 'exec') refuse()
    told.push({ receiver, message })
  }
  await record()
  await record({ message: 'attach' })
  await soon()
  expect(toWebhook().map(({ message }) => message.notification.data.message)).toEqual(['attach'])
})

test('after a day it is given up, and that is on record', async () => {
  await result(up(listening()))
  let attempts = 0
  ears.listen = ({ kind }) => {
    if (kind !== 'webhook') return
    attempts += 1
    refuse()
  }
  await record({ instance: 'shop-production-web-1' })
  await clock.advance(26 * 3_600_000)
  const failed = await store.entries({ kinds: ['notification.failed'] })
  expect(failed).toMatchObject([{ ...scope, instance: 'shop-production-web-1' }])
  expect(failed[0]?.message).toContain('the webhook at https://hooks.example.com was not told within a day')
  const before = attempts
  await clock.advance(5 * 3_600_000)
  expect(attempts).toBe(before)
  expect((await controller.status({}))[0]?.problems).toBeUndefined()
  expect(attempts).toBeLessThan(40)
})

test('another controller goes on where the last one was, with the same ids', async () => {
  await result(up(listening()))
  const ids: string[] = []
  ears.listen = (receiver, message) => {
    if (receiver.kind !== 'webhook') return
    ids.push(message.id)
    refuse()
  }
  await record()
  await soon()
  await passing(controller.stop())
  await record({ message: 'while nobody was there' })
  ears.listen = (receiver, message) => void told.push({ receiver, message })
  await startController()
  await soon()
  const messages = toWebhook().map(({ message }) => message)
  expect(messages.map(({ notification }) => notification.data.message)).toEqual(['exec', 'while nobody was there'])
  expect(messages[0]?.id).toBe(ids[0])
  await passing(controller.stop())
  await startController()
  await soon()
  expect(toWebhook()).toHaveLength(2)
})

test('a storm is told in order, and no more of it is held than fits', async () => {
  await result(up(listening()))
  ears.listen = refuseWebhooks
  for (let index = 0; index < 200; index++) await record({ message: String(index) })
  await soon()
  const heard: string[] = []
  ears.listen = ({ kind }, message) => void (kind === 'webhook' && heard.push(message.notification.data.message))
  await clock.advance(3_600_000)
  expect(heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 200 }, (_, index) => String(index)),
  )
})

test('a receiver that is slow keeps no command waiting', async () => {
  ears.listen = (_receiver, _message, signal) => clock.sleep(3_600_000, signal)
  await result(up(listening()))
  await record()
  await soon()
  expect(await result(up(listening([webhook], { replicas: 4 })))).toMatchObject({ ok: true })
  await passing(controller.stop())
})

test('who is to be told is part of the release, and is changed without an instance being touched', async () => {
  await result(up(stack()))
  const changed = await result(up(listening()))
  expect(changed).toMatchObject({ ok: true })
  await record()
  await soon()
  expect(types()).toEqual(['instance.tainted'])
  await result(up(stack()))
  await record()
  await soon()
  expect(types()).toEqual(['instance.tainted'])
})

test('a rollout that is taken back, and a down, leave who is told as it is', async () => {
  await result(up(listening()))
  await result(controller.down({ ...scope, by: 'ada' }))
  await record()
  await soon()
  expect(types()).toEqual(['instance.tainted'])
})

test('what can not be kept is said, and told all the same', async () => {
  bookmarks.write = () => noRoom()
  await result(up(listening()))
  await record()
  await soon()
  expect(types()).toEqual(['instance.tainted'])
  const [status] = await controller.status({})
  expect(status?.problems?.map(({ code }) => code)).toEqual(['DISK_FULL'])
})
