import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadStack } from '../config/load.ts'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { init } from './init.ts'
import { plainStyle } from './render/text.ts'
import type { Session } from './session.ts'

function session(folder: string, file?: string): Session {
  const silent = { isLive: false, columns: 80, print: () => {}, printError: () => {}, printJson: () => {} }
  const terminal = { style: plainStyle, errorStyle: plainStyle, ...silent }
  return { file, environment: undefined, json: false, folder, terminal }
}

/** What init wrote, with the package in place: Vitest resolves imports by itself. */
async function written(folder: string, file: string) {
  const text = await readFile(join(folder, file), 'utf8')
  const itself = 'const defineStack = (stack) => stack'
  await writeFile(join(folder, file), text.replace("import { defineStack } from 'repave'", itself))
  return loadStack({ folder, file })
}

test.each(['shop.yaml', 'shop.yml', 'shop.json', 'shop.ts'])('init -f %s writes what it is called', async (name) => {
  await using folder = await temporaryFolder()
  await init(session(folder.path, name))
  const { stack } = await written(folder.path, name)
  expect(stack.services.web).toMatchObject({ port: 8080, replicas: 2, image: { kind: 'reference' } })
})

test('init builds the Dockerfile that is beside the file', async () => {
  await using folder = await temporaryFolder()
  await folder.write('api/Dockerfile', 'FROM scratch\n')
  for (const name of ['api/repave.json', 'api/other.ts']) {
    await init(session(folder.path, name))
    expect(await written(folder.path, name)).toMatchObject({
      stack: { stack: 'api', services: { web: { image: { kind: 'build' } } } },
    })
  }
})

test('init refuses an ending that no stack file has, and a folder that is not there', async () => {
  await using folder = await temporaryFolder()
  await expect(init(session(folder.path, 'shop.toml'))).rejects.toMatchObject({ code: 'USAGE' })
  await expect(readFile(join(folder.path, 'shop.toml'))).rejects.toThrow('ENOENT')
  await expect(init(session(folder.path, 'sub/shop.yaml'))).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
    hint: `make it: mkdir -p ${folder.path}/sub`,
  })
})
