import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pauseArchive, pauseProgram } from './pause-image.ts'

const engineNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

describe('the pause program', () => {
  test('runs on this machine until it is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'repave-pause-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'pause')
    await writeFile(path, pauseProgram(engineNames[process.arch] ?? process.arch), { mode: 0o755 })
    const program = spawn(path, { stdio: 'ignore' })
    await once(program, 'spawn')
    program.kill('SIGCONT') // which wakes it, and must not end it
    program.kill('SIGUSR1')
    expect(await once(program, 'exit')).toEqual([null, 'SIGUSR1'])
  })

  test('is an executable for the machine that it is asked for', () => {
    const machines = { amd64: 62, arm64: 183 }
    for (const [name, machine] of Object.entries(machines)) {
      const program = pauseProgram(name)
      expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
      expect(program.readUInt16LE(18)).toBe(machine)
      expect(program.readBigUInt64LE(64 + 32)).toBe(BigInt(program.length))
    }
  })

  test('is not made for a machine that it does not know', () => {
    expect(() => pauseProgram('s390x')).toThrow('s390x')
  })
})

describe('the archive', () => {
  test('is the same at each call, so that its layer is known beforehand', async () => {
    const first = await pauseArchive('amd64')
    expect(await pauseArchive('amd64')).toEqual(first)
    expect(first.layer).toBe('sha256:bfeb6eeea75901b72ddfc5e1d383a0d5c454c4f6f1feff8496538150d11c61e2')
  })
})
