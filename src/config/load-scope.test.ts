import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadScope } from './load-scope.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repave-scope-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(text: string) {
  writeFileSync(join(folder, 'repave.yaml'), text)
}

test('what is wrong elsewhere in the file does not matter', async () => {
  write('stack: shop\nservices: { web: { prot: 1 } }\n')
  expect(await loadScope({ folder })).toEqual({ stack: 'shop', environment: 'default' })
})

test('the environment is chosen as up chooses it', async () => {
  write('stack: shop\nservices: { web: { image: a, port: 1 } }\nenvironments: { staging: {}, production: {} }\n')
  expect(await loadScope({ folder, environment: 'staging' })).toEqual({ stack: 'shop', environment: 'staging' })
  await expect(loadScope({ folder })).rejects.toMatchObject({ code: 'USAGE' })
  await expect(loadScope({ folder, environment: 'stagign' })).rejects.toMatchObject({ code: 'ENVIRONMENT_UNKNOWN' })
})

test('a file that names no stack is refused with its place', async () => {
  write('stack: Shop!\nservices: { web: { image: a, port: 1 } }\n')
  await expect(loadScope({ folder })).rejects.toMatchObject({ code: 'FILE_INVALID', at: { line: 1 } })
})
