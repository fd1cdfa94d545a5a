import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../../system/temporary-folder.ts'
import type { Message } from '../notify.ts'
import { messengerContract } from '../messenger-contract.ts'
import { HttpMessenger } from './http-messenger.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const never = new AbortController().signal
const message: Message = {
  id: 'msg_1',
  notification: {
    type: 'rollout.aborted',
    timestamp: '2026-11-24T00:00:00.000Z',
    data: { form: 1, kind: 'rollout', sequence: 7, message: 'ünhealthy', by: 'repave' },
  },
}

let folder: TemporaryFolder
let secretFile: string
const servers: Server[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  secretFile = await folder.write('secret', `${secret}\n`)
  await chmod(secretFile, 0o600)
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await folder[Symbol.asyncDispose]()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/repave?token=hidden`
}

const send = (url: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  new HttpMessenger(options).send({ kind: 'webhook', url, secretFile }, message, options.signal ?? never)
const failure = (words: string) =>
  expect.objectContaining({ code: 'NOTIFICATION_FAILED', message: expect.stringContaining(words) })

test('a receiver can tell by the signature who it is from, and has the whole', async () => {
  const verified: unknown[] = []
  const url = await serve(async (request, response) => {
    const headers = request.headers as Record<string, string>
    verified.push(request.method, request.url, headers['webhook-id'])
    verified.push(new Webhook(secret).verify(await text(request), headers))
    response.writeHead(204).end()
  })
  expect(await send(url)).toBe('told')
  expect(verified).toEqual(['POST', '/repave?token=hidden', 'msg_1', message.notification])
})

test.each([400, 410, 429, 500, 503])('HTTP %i is not taken for an answer', async (status) => {
  const url = await serve((_request, response) => response.writeHead(status).end('no'))
  await expect(send(url)).rejects.toThrow(failure(`HTTP ${status}`))
})

test('a redirect is not followed', async () => {
  let asked = 0
  const url = await serve((_request, response) => {
    asked += 1
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  await expect(send(url)).rejects.toThrow(failure('HTTP 307, and redirects are not followed'))
  expect(asked).toBe(1)
})

test('the rest of an endless answer is left where it is', async () => {
  const url = await serve((_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  })
  expect(await send(url)).toBe('told')
})

test('silence is not waited for without end, neither before an answer nor within', async () => {
  const silent = await serve(() => {})
  await expect(send(silent, { timeoutMs: 50 })).rejects.toThrow(failure('no answer within 0.05 s'))
  const halting = await serve((_request, response) => response.write('{'))
  await expect(send(halting, { timeoutMs: 50 })).rejects.toThrow(failure('no answer within 0.05 s'))
})

test('who gives up while it is told gets the own reason', async () => {
  const giveUp = new AbortController()
  const url = await serve(() => giveUp.abort(new Error('the controller ends')))
  await expect(send(url, { signal: giveUp.signal })).rejects.toThrow('the controller ends')
})

test('nobody listens there, and what is said of it keeps path and query to itself', async () => {
  const url = await serve(() => {})
  servers.splice(0).forEach((server) => server.close())
  const error = await send(url).catch((thrown: unknown) => thrown)
  expect(error).toEqual(failure('connection refused'))
  expect((error as Error).message).not.toContain('hidden')
})

test.each([0o640, 0o604, 0o620])('a secret of mode %o is not used', async (mode) => {
  await chmod(secretFile, mode)
  await expect(send(await serve(() => {}))).rejects.toThrow(failure('can be read or written by others'))
})

test.each([
  ['nothing', ''],
  ['a password', 'correct horse battery staple'],
  ['a short key', 'whsec_c2hvcnQ='],
  ['a long key', `whsec_${Buffer.alloc(65).toString('base64')}`],
])('%s is no secret, and is not told', async (_name, content) => {
  await folder.write('secret', content)
  const error = await send(await serve(() => {})).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'NOTIFICATION_FAILED' })
  if (content !== '') expect(JSON.stringify([(error as Error).message, error])).not.toContain(content)
})

test('a secret that is not there is missed', async () => {
  secretFile = `${folder.path}/absent`
  await expect(send(await serve(() => {}))).rejects.toThrow(failure('does not exist'))
})

messengerContract('webhooks over HTTP', async () => {
  const told: unknown[] = []
  let manner = 'taking'
  const url = await serve(async (request, response) => {
    const notification: unknown = JSON.parse(await text(request))
    if (manner === 'silent') return
    if (manner === 'taking') told.push(notification)
    response.writeHead(manner === 'taking' ? 200 : 503).end()
  })
  return {
    messenger: new HttpMessenger(),
    receiver: { kind: 'webhook', url, secretFile },
    told: async () => told,
    turn: async (next) => void (manner = next),
    [Symbol.asyncDispose]: async () => {},
  }
})
