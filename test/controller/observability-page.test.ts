/** The page about notifications and metrics says what is so: its receiver takes what is sent, its table has every metric. */
import { spawn } from 'node:child_process'
import { chmod, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { noticeKinds, toldKinds } from '../../src/model/notification.ts'
import { HttpMessenger } from '../../src/notify/http/http-messenger.ts'
import { temporaryFolder } from '../../src/system/temporary-folder.ts'
import { eventually } from '../end-to-end/eventually.ts'
import { freePort } from '../end-to-end/free-port.ts'
import { controller, openWorld } from './small-world.ts'

const top = resolve(import.meta.dirname, '../..')
const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
let page: string
beforeEach(async () => {
  page = await readFile(resolve(top, 'docs/observability.md'), 'utf8')
})

test('the receiver of the page takes what is signed, and nothing else', async () => {
  await using folder = await temporaryFolder()
  const secretFile = await folder.write('secret', secret)
  await chmod(secretFile, 0o600)
  const [, script = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? []
  const port = await freePort()
  const receiver = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: top,
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = `http://127.0.0.1:${port}/`
    await eventually('it listens', () =>
      fetch(url).then(
        ({ status }) => status === 400,
        () => false,
      ),
    )
    const data = { form: 1, kind: 'taint', sequence: 1, message: 'exec', by: 'repave' } as const
    const notification = { type: 'instance.tainted', timestamp: new Date().toISOString(), data }
    const never = new AbortController().signal
    const message = { id: 'msg_1', notification }
    expect(await new HttpMessenger().send({ kind: 'webhook', url, secretFile }, message, never)).toBe('told')
    expect((await fetch(url, { method: 'POST', body: JSON.stringify(notification) })).status).toBe(400)
  } finally {
    receiver.kill()
  }
})

test('the page names every event, entry and metric', async () => {
  await openWorld()
  const short = /`…_([a-z]+)_…`/g
  const long = page.replaceAll(short, '`repave_fleet_$1_instances`')
  const names = (await controller.metrics()).map(({ name }) => name)
  expect([...names, ...toldKinds, ...noticeKinds].filter((name) => !long.includes(`\`${name}\``))).toEqual([])
})
