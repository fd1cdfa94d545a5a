import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { AccessEvent, AccessInput, AccessLink, AccessRequest } from '../controller/commands.ts'
import { createApi } from './api.ts'
import { frame } from './frames.ts'
import { scripted } from './scripted-commands.ts'
import { serveApi } from './server.ts'
import { openAccess } from './terminal-client.ts'
import { terminalServer } from './terminal-server.ts'

const asked: AccessRequest = {
  by: 'ada',
  stack: 'shop',
  environment: 'default',
  instance: 'web-1',
  reason: 'it leaks',
  command: ['/bin/sh'],
  forMs: 600_000,
  size: { columns: 80, rows: 24 },
}

async function serving(access: (request: AccessRequest, link: AccessLink) => Promise<void>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'repave-terminal-'))
  const path = join(folder, 's')
  const server = await serveApi(createApi(scripted({}), '1'), path, undefined, terminalServer({ access }))
  onTestFinished(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  return path
}

async function* inputs(...all: readonly AccessInput[]): AsyncIterable<AccessInput> {
  yield* all
}

test('what is asked, typed and printed crosses the socket', async () => {
  const got: unknown[] = []
  const path = await serving(async (request, { tell, input }) => {
    got.push(request)
    for await (const each of input) {
      got.push(each.kind === 'data' ? Buffer.from(each.data).toString() : each.size)
      if (each.kind === 'data') tell(each)
    }
    tell({ kind: 'closed', id: 7, message: 'left' })
  })
  const events: AccessEvent[] = []
  const size = { columns: 100, rows: 30 }
  const input = inputs({ kind: 'data', data: Buffer.from('hi') }, { kind: 'resize', size })
  await openAccess(path, asked, { input, tell: (event) => void events.push(event) })
  expect(got).toEqual([asked, 'hi', size])
  expect(events).toEqual([
    { kind: 'data', data: Buffer.from('hi') },
    { kind: 'closed', id: 7, message: 'left' },
  ])
})

test.each([
  ['an empty reason', { reason: '  ' }],
  ['more than an hour', { forMs: 3_600_001 }],
  ['no program', { command: [] }],
  ['a terminal of no size', { size: { columns: 0, rows: 0 } }],
])('%s is refused, and nothing is opened', async (_name, changes) => {
  const path = await serving(async () => {
    throw new Error('opened')
  })
  const events: AccessEvent[] = []
  await openAccess(path, { ...asked, ...changes }, { input: inputs(), tell: (event) => void events.push(event) })
  expect(events).toMatchObject([{ kind: 'error', error: { code: 'USAGE' } }])
})

test('a connection that goes away without a last word is an error', async () => {
  const path = await serving(async () => {})
  const link = { input: inputs(), tell: () => {} }
  await expect(openAccess(path, asked, link)).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' })
})

test.each([
  ['another path', 'GET /v1/x HTTP/1.1', '400'],
  ['no frame', 'GET /v1/access HTTP/1.1', '"kind":"error"'],
])('%s is answered, and cut off', async (_name, line, answer) => {
  const path = await serving(async () => {})
  const socket = connect(path)
  socket.write(`${line}\r\nhost: c\r\nconnection: Upgrade\r\nupgrade: repave-terminal\r\n\r\n`)
  socket.end(frame('d', Buffer.from('typed before it was asked for')))
  expect(await text(socket)).toContain(answer)
})
