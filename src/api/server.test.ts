import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProgressReport } from '../model/report.ts'
import { createApi } from './api.ts'
import { createClient } from './client.ts'
import { anEntry, scripted, upRequest } from './scripted-commands.ts'
import { type ApiServer, serveApi } from './server.ts'

let folder: string
let server: ApiServer | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repave-api-'))
})

afterEach(async () => {
  await server?.close()
  server = undefined
  rmSync(folder, { recursive: true, force: true })
})

async function serve(commands = scripted({})) {
  const socket = join(folder, 'controller.sock')
  server = await serveApi(createApi(commands, '1.2.3'), socket)
  return socket
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

test('only the owner can open the socket', async () => {
  const socket = await serve()
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600')
})

test('the process keeps its umask', async () => {
  const before = process.umask()
  await serve()
  expect(process.umask()).toBe(before)
})

test('the socket of a dead controller is replaced', async () => {
  writeFileSync(join(folder, 'controller.sock'), '')
  const socket = await serve()
  expect(await createClient(socket).info()).toEqual({ pid: 7, socket: '/s' })
})

test('a socket that somebody removed is there again, and what is under way goes on', async () => {
  const end = Promise.withResolvers<void>()
  const commands = scripted({
    up: async function* () {
      yield { kind: 'image', service: 'web', message: 'building' }
      await end.promise
      yield { kind: 'result', result: { ok: true, changed: true, services: [] } }
    },
  })
  const socket = join(folder, 'controller.sock')
  server = await serveApi(createApi(commands, '1.2.3'), socket, 10)
  const client = createClient(socket)
  const reports = client.up(upRequest)[Symbol.asyncIterator]()
  await reports.next()
  rmSync(socket)
  await expect.poll(() => client.info().catch(() => undefined)).toMatchObject({ pid: 7 })
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600')
  end.resolve()
  expect(await reports.next()).toMatchObject({ value: { kind: 'result', result: { ok: true } } })
})

test('the client sees every line, and the controller whole requests', async () => {
  const reports: ProgressReport[] = [
    { kind: 'image', service: 'web', message: 'grüß' },
    { kind: 'result', result: { ok: true, changed: false, services: [] } },
  ]
  const commands = scripted({ up: () => reports })
  const versions: string[] = []
  const client = createClient(await serve(commands), (version) => versions.push(version))
  expect(await collect(client.up(upRequest))).toEqual(reports)
  expect(commands.calls).toEqual([['up', upRequest]])
  expect(versions).toEqual(['1.2.3'])
})

test('work hears that its client has left, and goes on', async () => {
  const left = Promise.withResolvers<void>()
  const commands = scripted({
    up: async function* (client) {
      client?.addEventListener('abort', () => left.resolve())
      yield { kind: 'image', service: 'web', message: 'building' }
      await left.promise
      yield { kind: 'result', result: { ok: true, changed: true, services: [] } }
    },
  })
  for await (const report of createClient(await serve(commands)).up(upRequest)) if (report.kind === 'image') break
  await left.promise
})

test('work that has said nothing yet hears that its client has left', async () => {
  const begun = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const commands = scripted({
    up: async function* (client) {
      client?.addEventListener('abort', () => left.resolve())
      begun.resolve()
      await left.promise
      yield { kind: 'result', result: { ok: true, changed: true, services: [] } }
    },
  })
  const body = JSON.stringify(upRequest)
  const outgoing = http.request({ socketPath: await serve(commands), method: 'POST', path: '/v1/up' })
  outgoing.on('error', () => {})
  outgoing.end(body)
  await begun.promise
  outgoing.destroy()
  await left.promise
})

test('a client that leaves a follow ends it', async () => {
  const ended = Promise.withResolvers<void>()
  const commands = scripted({
    events: async function* (_filter, _follow, signal) {
      signal.addEventListener('abort', () => ended.resolve())
      yield anEntry
      await ended.promise
    },
  })
  const client = createClient(await serve(commands))
  const leave = new AbortController()
  for await (const event of client.events({}, true, leave.signal)) {
    expect(event.sequence).toBe(1)
    leave.abort()
  }
  await ended.promise
})

test('a client that leaves before the first line of a follow ends it', async () => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const commands = scripted({
    // oxlint-disable-next-line require-yield
    logs: async function* (signal) {
      signal.addEventListener('abort', () => ended.resolve())
      begun.resolve()
      await ended.promise
    },
  })
  const leave = new AbortController()
  const request = { stack: 'shop', environment: 'default', service: 'web', follow: true }
  const lines = collect(createClient(await serve(commands)).logs(request, leave.signal))
  await begun.promise
  leave.abort()
  expect(await lines).toEqual([])
  await ended.promise
})

test('a client that leaves work does not end it', async () => {
  const left = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<void>()
  const commands = scripted({
    up: async function* () {
      yield { kind: 'image', service: 'web', message: 'building' }
      await left.promise
      yield { kind: 'image', service: 'web', message: 'built' }
      finished.resolve()
    },
  })
  const client = createClient(await serve(commands))
  for await (const report of client.up(upRequest)) {
    expect(report.kind).toBe('image')
    break
  }
  left.resolve()
  await finished.promise
})

test('work without a verdict means that the controller went away', async () => {
  const client = createClient(await serve(scripted({ up: () => [] })))
  await expect(collect(client.up(upRequest))).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' })
})

test('closing cuts a follow that would never end, and removes the socket', async () => {
  const commands = scripted({
    events: async function* (_filter, _follow, signal) {
      yield anEntry
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  })
  const socket = await serve(commands)
  const client = createClient(socket)
  const events = collect(client.events({}, true, new AbortController().signal))
  await expect.poll(() => server?.busy()).toBe(1)
  await Promise.all([expect(events).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' }), server?.close()])
  server = undefined
  await expect(client.info()).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' })
})

test('nobody listening is CONTROLLER_UNREACHABLE', async () => {
  const client = createClient(join(folder, 'controller.sock'))
  await expect(client.info()).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' })
})

test('a connection that says nothing does not keep the server from closing', async () => {
  const socket = await serve()
  const silent = connect(socket)
  await new Promise((resolve) => silent.once('connect', resolve))
  await server?.close()
  server = undefined
  silent.destroy()
})
