/** Notices to a real webhook that is away at first, slow, and back at the same address. */
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../test/end-to-end/eventually.ts'
import { freePort } from '../../test/end-to-end/free-port.ts'
import type { Notification } from '../model/notification.ts'
import { HttpMessenger } from '../notify/http/http-messenger.ts'
import { MemoryBookmarks } from '../notify/memory/memory-bookmarks.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { systemClock } from '../system/clock.ts'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { Notices } from './notices.ts'

const secret = `whsec_${Buffer.alloc(24, 3).toString('base64')}`
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(port: number, hear: (notification: Notification) => Promise<number>): Promise<Server> {
  const server = createServer(async (request, response) => {
    const verified = new Webhook(secret).verify(await text(request), request.headers as Record<string, string>)
    response.writeHead(await hear(verified as Notification)).end('x'.repeat(100_000))
  }).listen(port, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return server
}

test('a webhook that is away, slow and restarted is told everything in the end', async () => {
  await using folder = await temporaryFolder()
  const secretFile = await folder.write('secret', secret)
  await chmod(secretFile, 0o600)
  const port = await freePort()
  const store = createMemoryStore()
  const webhook = { url: `http://127.0.0.1:${port}/`, secretFile }
  const release = { stack: 'shop', environment: 'production', services: {}, notifications: [webhook] }
  const seams = { store, clock: systemClock, log: () => {}, bookmarks: new MemoryBookmarks() }
  const notices = new Notices({ ...seams, messenger: new HttpMessenger({ timeoutMs: 300 }) }, () => [release])
  const scope = { stack: 'shop', environment: 'production' }
  const record = async (message: string) => {
    await store.append({ ...scope, atMs: Date.now(), kind: 'rollout.aborted', by: 'repave', message })
    notices.wake()
  }
  await notices.start()
  try {
    await record('while it is away')
    await eventually('it is missed', () => notices.troubles().length > 0)
    expect(notices.troubles()[0]?.message).toContain('connection refused')

    let asked = 0
    const slow = await listen(port, async () => {
      asked += 1
      await systemClock.sleep(2_000)
      return 200
    })
    await eventually('it was asked, and too slow', () => asked > 0)
    slow.closeAllConnections()
    slow.close()

    const heard = new Set<string>()
    await listen(port, async ({ data }) => {
      heard.add(data.message)
      return 200
    })
    await record('when it is back')
    await eventually('it has both', () => heard.size === 2)
    await eventually('nothing is left to say', () => notices.troubles().length === 0 && notices.figures().pending === 0)
  } finally {
    await notices.stop()
  }
})
