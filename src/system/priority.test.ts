import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { prefer } from './priority.ts'

test('a process that was started in a session of its own goes before others, with what it starts', async () => {
  const child = spawn('sh', ['-c', 'read line; nice; cat /proc/self/autogroup 2>/dev/null; true'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  prefer(child.pid, -7)
  child.stdin.end('go\n')
  const nice = process.getuid?.() === 0 ? -7 : getPriority()
  const said = await child.stdout.setEncoding('utf8').toArray()
  const [own, group] = said.join('').trim().split('\n')
  expect(Number(own)).toBe(nice)
  if (existsSync('/proc/self/autogroup')) expect(group).toMatch(new RegExp(` nice ${nice}$`))
})

test('one that has ended, or never began, is nothing to fail at', async () => {
  const child = spawn('true', { stdio: 'ignore' })
  await once(child, 'exit')
  expect(() => prefer(child.pid, -7)).not.toThrow()
  expect(() => prefer(undefined, -7)).not.toThrow()
})
