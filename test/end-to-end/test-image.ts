/** The image of examples/hello, built past Repave, for stacks whose subject is not the build. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { EngineApi } from './engine-api.ts'

const example = resolve(import.meta.dirname, '../../examples/hello')

/** The reference of the image, which is there when the promise resolves. It stays for the next run. */
export async function testImage(engine: EngineApi): Promise<string> {
  const reference = `repave-test-hello:${await contentTag()}`
  if (!(await engine.hasImage(reference))) await engine.build(reference, packContext())
  return reference
}

async function contentTag(): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  for (const file of ['Dockerfile', 'server.mjs']) hash.update(await readFile(join(example, file)))
  return hash.digest('hex').slice(0, 12)
}

function packContext() {
  const { stdout } = spawn('tar', ['-C', example, '-c', 'Dockerfile', 'server.mjs', 'rootfs'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return stdout
}
