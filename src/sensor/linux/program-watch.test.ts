import { spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { processState } from '../../system/process-files.ts'
import { temporaryFolder } from '../../system/temporary-folder.ts'
import { ProgramWatch } from './program-watch.ts'
import type { Finding } from './telling.ts'
import type { Watched } from './watched.ts'

const elsewhere = -1
const onTheHost = statSync('/bin/sh').dev
const halfAMinute = 3_000

test('a first process that is still the program of the engine is on its way, for half a minute at most', () => {
  const first = begin('sleep', '60')
  const young = watching(first, elsewhere)
  young.look()
  young.look()
  expect(young.findings).toEqual([])
  const old = watching(first, elsewhere, halfAMinute)
  expect(old.findings).toMatchObject([{ kind: 'execution', layer: 'digests', pid: first.pid }])
})

test('a first process that has run a program of the image is no longer on its way', async () => {
  await using folder = await temporaryFolder()
  const foreign = join(folder.path, 'sleep')
  copyFileSync('/bin/sleep', foreign)
  const first = begin('/bin/sh', '-c', `read line; exec ${foreign} 60`)
  const { look, findings } = watching(first, onTheHost)
  first.stdin?.end('go\n')
  while (readlinkSync(`/proc/${first.pid}/exe`) !== foreign) await delay(5)
  rmSync(foreign)
  look()
  expect(findings).toMatchObject([{ kind: 'execution', detail: expect.stringContaining(`${foreign} (deleted)`) }])
})

function begin(program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** As if the process were the first of an instance whose image is on that device, and had begun some ticks earlier. */
function watching({ pid = 0 }: ChildProcess, rootDevice: number, earlier = 0) {
  const findings: Finding[] = []
  const watch = new ProgramWatch({ tell: (_watched, finding) => findings.push(finding) })
  const watched: Watched = {
    subject: { instance: 'web-1', containerId: 'c', pid, uid: 0, tmpfs: [], data: [], image: 'sha256:test' },
    startedAt: (processState(pid)?.startedAt ?? 0) - earlier,
    mounts: [],
    rootDevice,
    upperFolder: undefined,
    tmpfs: [],
    namespaces: [],
    guests: new Set(),
    hasEnded: false,
  }
  watch.follow(watched)
  onTestFinished(() => watch.close())
  return { findings, look: () => watch.look(watched, pid) }
}
