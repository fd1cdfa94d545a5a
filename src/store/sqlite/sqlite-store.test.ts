import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { leafOf } from '../../model/entry.ts'
import { releaseId } from '../../model/release.ts'
import { versionId } from '../../model/version.ts'
import { storeContract } from '../store-contract.ts'
import { createSqliteStore } from './sqlite-store.ts'

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'repave-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'state.sqlite')
}

const folders: string[] = []
storeContract('sqlite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'repave-store-'))
  folders.push(folder)
  const file = join(folder, 'state.sqlite')
  return { store: createSqliteStore(file), reopen: async () => createSqliteStore(file) }
})
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

test('a state from a newer Repave is refused and left alone', () => {
  const file = temporaryFile()
  const database = new DatabaseSync(file)
  database.exec('PRAGMA user_version = 99')
  database.close()
  expect(() => createSqliteStore(file)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
})

test('a file that is no database is named in the error', () => {
  const folder = temporaryFile()
  expect(() => createSqliteStore(join(folder, 'missing', 'state.sqlite'))).toThrow(
    /missing\/state\.sqlite can't be used/,
  )
})

test('a decision that fails half-way has not happened', async () => {
  const store = createSqliteStore(temporaryFile())
  const scope = { stack: 'shop', environment: 'production' }
  const decision = {
    release: { ...scope, services: {} },
    decision: 'up',
    reason: '',
    by: 'ada',
    atMs: 1,
    ends: [],
    entries: [],
  } as const
  const impossible = { service: 'web', from: null, to: null as unknown as string }
  await expect(store.decide({ ...decision, starts: [impossible] })).rejects.toThrow(
    expect.objectContaining({ code: 'STORE_FAILED' }),
  )
  expect(await store.currentRelease(scope)).toBeUndefined()
  await store.decide({ ...decision, starts: [] })
  expect(await store.releases(scope)).toHaveLength(1)
  await store.close()
})

test('the state of the first form is taken on: nothing of it is lost, and its events are entries of the ledger', async () => {
  const file = temporaryFile()
  cpSync(join(import.meta.dirname, 'forms/form-1.sqlite'), file)
  const store = createSqliteStore(file)
  const scope = { stack: 'shop', environment: 'production' }
  const [down, up] = await store.releases(scope)
  expect([down?.decision, up?.decision]).toEqual(['down', 'up'])
  expect(await store.release(releaseId(up!.release))).toEqual(up?.release)
  const [version] = await store.versions(scope)
  expect(version).toMatchObject({ state: 'proven', version: versionId(version!.spec) })
  expect(await store.rollouts({ ...scope, service: 'web' })).toMatchObject([
    { sequence: 1, state: 'succeeded', endedAtMs: 1500 },
  ])
  const entries = await store.entries({})
  expect(entries.map(({ sequence, kind, message, lines }) => [sequence, kind, message, lines])).toEqual([
    [0, 'decision.up', 'the stack file changed (by ada)', undefined],
    [1, 'create.intent', '3 are wanted', undefined],
    [2, 'create.done', '3 are wanted', undefined],
    [3, 'instance.exited', 'exited with code 1', ['no database', 'bye']],
    [4, 'destroy.intent', 'exited with code 1', undefined],
  ])
  const leaves = entries.map(({ sequence: _sequence, ...entry }) => leafOf(entry).toString())
  expect((await store.leaves(0, 9)).map((leaf) => Buffer.from(leaf).toString())).toEqual(leaves)
  await store.close()
  const again = createSqliteStore(file)
  expect(await again.entries({})).toEqual(entries)
  await again.close()
})

test('the state of the second form is taken on: each rollout knows the decision that began it', async () => {
  const file = temporaryFile()
  cpSync(join(import.meta.dirname, 'forms/form-2.sqlite'), file)
  const store = createSqliteStore(file)
  const scope = { stack: 'shop', environment: 'production' }
  const records = await store.releases(scope)
  expect(records.map(({ sequence, decision, atMs }) => [sequence, decision, atMs])).toEqual([
    [4, 'up', 3_000],
    [3, 'abort', 3_000],
    [2, 'up', 2_000],
    [1, 'up', 1_000],
  ])
  for (const { release } of records) expect(await store.release(releaseId(release))).toEqual(release)
  const rollouts = await store.rollouts({ ...scope, service: 'web' })
  expect(rollouts.map(({ sequence, state }) => [sequence, state])).toEqual([
    [4, 'running'],
    [2, 'aborted'],
    [1, 'succeeded'],
  ])
  expect(rollouts[1]).toMatchObject({ reason: 'HTTP 503', logs: ['no database', 'bye'], endedAtMs: 3_000 })
  expect(await store.warmRollouts()).toEqual([])
  expect(await store.refusals()).toEqual([])
  const versions = await store.versions(scope)
  expect(versions.map(({ state }) => state)).toEqual(['unproven', 'failed', 'proven'])
  for (const { version, spec } of versions) expect(version).toBe(versionId(spec))
  expect(await store.size()).toBe(6)
  await store.close()
})

test('a migration that fails leaves the state as it was', () => {
  const file = temporaryFile()
  cpSync(join(import.meta.dirname, 'forms/form-1.sqlite'), file)
  const tampered = new DatabaseSync(file)
  tampered.exec("UPDATE releases SET release = 'no JSON' WHERE sequence = 2")
  tampered.close()
  expect(() => createSqliteStore(file)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
  const database = new DatabaseSync(file)
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
  expect(database.prepare('SELECT count(*) AS count FROM events').get()).toEqual({ count: 5 })
  database.close()
})
