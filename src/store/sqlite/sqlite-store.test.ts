import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
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
