import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimHolder, claimHome } from './claim.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'repave-claim-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A process of its own that claims the folder and then waits. */
async function claimElsewhere(t: { onTestFinished: (end: () => void) => void }) {
  const script = `const { claimHome } = await import(${JSON.stringify(new URL('claim.ts', import.meta.url).href)})
    globalThis.claim = claimHome(${JSON.stringify(folder)}); console.log('claimed'); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.onTestFinished(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

test('a folder is claimed once, and again when the claim was given back', () => {
  const claim = claimHome(folder)
  expect(() => claimHome(folder)).toThrow(expect.objectContaining({ code: 'CONTROLLER_RUNNING' }))
  claim[Symbol.dispose]()
  claimHome(folder)[Symbol.dispose]()
})

test('the claim of another process holds until that process is killed', async (t) => {
  const other = await claimElsewhere(t)
  expect(() => claimHome(folder)).toThrow(
    expect.objectContaining({
      code: 'CONTROLLER_RUNNING',
      message: `a controller already runs for ${folder} (pid ${other.pid})`,
    }),
  )
  expect(claimHolder(folder)).toBe(other.pid)
  other.kill('SIGKILL')
  await once(other, 'exit')
  claimHome(folder)[Symbol.dispose]()
})

test('a lock file that is none is named with its remedy', () => {
  writeFileSync(join(folder, 'controller.lock'), 'no database '.repeat(100))
  expect(() => claimHome(folder)).toThrow(
    expect.objectContaining({ code: 'STORE_FAILED', hint: expect.stringContaining('rm ') }),
  )
})
