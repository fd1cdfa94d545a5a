/** An aborted rollout is told to a webhook, signed, and to a hook, by the real controller. */
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Notification } from '../../src/model/notification.ts'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** A receiver that takes what is signed, after it has refused the first so many. */
async function receive(refusals: number) {
  const taken: { id: string; notification: Notification }[] = []
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const headers = request.headers as Record<string, string>
    const notification = new Webhook(secret).verify(await text(request), headers) as Notification
    asked.push(headers['webhook-id'] ?? '')
    if (asked.length > refusals) taken.push({ id: headers['webhook-id'] ?? '', notification })
    response.writeHead(asked.length > refusals ? 204 : 503).end()
  }).listen(0, '127.0.0.1')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, taken, asked }
}

async function declare(scene: Scene, url: string, environment: Record<string, string>): Promise<void> {
  const web = scene.service({ replicas: 1, rollout: { deadline: '5s' }, environment })
  const notifications = [{ webhook: url, secretFile: './webhook.secret', events: ['rollout'] }]
  await scene.write(stringify({ stack: scene.stack, notifications, services: { web } }))
}

test('an aborted rollout reaches the webhook and the hook, also across the death of a controller', async () => {
  const scene = await openScene()
  const { url, taken, asked } = await receive(1)
  await writeFile(join(scene.folder, 'webhook.secret'), secret, { mode: 0o600 })
  const hooks = join(scene.home, 'hooks')
  await mkdir(hooks, { recursive: true, mode: 0o700 })
  await writeFile(join(hooks, 'notify'), '#!/bin/sh\ncat >> "told.$1"\n', { mode: 0o700 })
  await chmod(scene.home, 0o700)

  await declare(scene, url, { GREETING: 'first' })
  await scene.succeed('up')
  await declare(scene, url, { GREETING: 'broken', FAULT: 'unhealthy' })
  expect((await scene.repave('up')).exitCode).toBe(1)
  await eventually('the webhook was asked for the first time', () => asked.length > 0)
  await scene.killController()
  await scene.status()

  await eventually('the webhook has it', () => taken.length > 0)
  await eventually('the hook has it', async () => (await toldTo(hooks)) !== '')
  const [entry] = (await scene.entries()).filter(({ kind }) => kind === 'rollout.aborted')
  const subject = { stack: scene.stack, environment: 'default', service: 'web', version: entry?.version }
  const expected = {
    type: 'rollout.aborted',
    data: { form: 1, kind: 'rollout', sequence: entry?.sequence, message: entry?.message, by: 'repave', ...subject },
  }
  expect(taken.map(({ notification }) => notification)).toMatchObject([expected])
  expect(new Set(asked).size).toBe(1)
  expect(JSON.parse((await toldTo(hooks)).split('\n')[0] ?? '')).toMatchObject(expected)
  expect(JSON.stringify(await scene.entries())).not.toContain(secret)
})

async function toldTo(hooks: string): Promise<string> {
  return readFile(join(hooks, 'told.rollout'), 'utf8').catch(() => '')
}
