/** Promise 8: what happened is on the record, and someone outside can prove it, or prove that it was changed. */
import { once } from 'node:events'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { openScene } from './open-scene.ts'
import { expectRecorded } from './recorded.ts'
import type { Ended, Scene } from './scene.ts'

const last = ({ lines }: Ended) => lines.at(-1)

async function openStack(): Promise<Scene> {
  const scene = await openScene()
  await scene.declare({ replicas: 1 })
  await scene.succeed('up')
  await expectRecorded(scene)
  return scene
}

async function endController(scene: Scene): Promise<void> {
  for (const { pid } of scene.controllers()) process.kill(pid)
  await eventually('the controller has ended', () => scene.controllers().length === 0)
}

test('a decision is found by who took it, proven by a receipt, and verified in a copy', async () => {
  const scene = await openStack()
  const [decision] = (await scene.repave('ledger', 'log', '--service', 'web', '--tail', '1')).lines
  expect(decision).toMatchObject({ service: 'web', by: 'repave' })
  const { lines } = await scene.repave('ledger', 'log')
  const asked = lines.find((line) => (line as { kind: string }).kind === 'decision.up') as { sequence: number }
  expect(asked).toMatchObject({
    stack: scene.stack,
    environment: 'default',
    release: expect.stringMatching(/^[0-9a-f]{64}$/),
  })

  const receipt = join(scene.folder, 'decision.tlog-proof')
  expect(await scene.repave('ledger', 'receipt', `${asked.sequence}`, '-o', receipt)).toMatchObject({ exitCode: 0 })
  const { key } = last(await scene.repave('ledger', 'key')) as { key: string }
  const checked = await scene.repave('ledger', 'verify', receipt, '--key', key)
  expect(last(checked)).toMatchObject({ ok: true, index: asked.sequence, entry: { kind: 'decision.up' } })
  await writeFile(receipt, (await readFile(receipt, 'utf8')).replace(/index \d+/, 'index 0'))
  expect(await scene.repave('ledger', 'verify', receipt, '--key', key)).toMatchObject({
    exitCode: 1,
    lines: [{ code: 'RECEIPT_INVALID' }],
  })

  const copy = join(scene.folder, 'copy')
  expect(await scene.repave('ledger', 'export', copy)).toMatchObject({ exitCode: 0 })
  expect(last(await scene.repave('ledger', 'verify', copy, '--key', key))).toMatchObject({ ok: true, problems: [] })
  const offline = await scene.repave('ledger', 'log', '--folder', copy, '--version', 'web@')
  expect(offline.lines.length).toBeGreaterThan(5)
})

test('a copy in which a word was changed is not verified, and the entry is named', async () => {
  const scene = await openStack()
  const copy = join(scene.folder, 'copy')
  await scene.repave('ledger', 'export', copy)
  const { size } = last(await scene.repave('ledger', 'checkpoint', copy)) as { size: number }
  const bundle = join(copy, `tile/entries/000.p/${size}`)
  const bytes = await readFile(bundle)
  const at = bytes.indexOf('decision.up')
  await writeFile(bundle, bytes.fill('decision.no', at, at + 'decision.no'.length))
  const { exitCode, lines } = await scene.repave('ledger', 'verify', copy)
  expect(exitCode).toBe(1)
  const entries = (await scene.repave('ledger', 'log', '--folder', copy)).lines as { sequence: number; kind: string }[]
  const changed = entries.find(({ kind }) => kind === 'decision.no')
  expect(lines.at(-1)).toMatchObject({ ok: false, problems: [{ index: changed?.sequence, kind: 'entry' }] })
})

test('a witness cosigns what a controller signs', async () => {
  const scene = await openStack()
  const { key } = last(await scene.repave('ledger', 'key')) as { key: string }
  const port = await freePort()
  const witness = scene.start(
    'ledger',
    'witness',
    join(scene.folder, 'witness'),
    '--log',
    key,
    '--listen',
    `127.0.0.1:${port}`,
  )
  const [started] = (await once(createInterface(witness.stdout!), 'line')) as [string]
  const { url, key: witnessKey } = JSON.parse(started) as { url: string; key: string }
  expect(await scene.repave('ledger', 'cosign', url, witnessKey)).toMatchObject({ exitCode: 0 })
  await endController(scene)
  expect(await scene.repave('ledger', 'verify', '--witness', witnessKey)).toMatchObject({ exitCode: 1 })
  await scene.succeed('up')
  await eventually('the checkpoint is cosigned', async () => {
    return (await scene.repave('ledger', 'verify', '--witness', witnessKey)).exitCode === 0
  })
})

test('a state that was set back is refused, and what begins then says so', async () => {
  const scene = await openStack()
  await endController(scene)
  const older = join(scene.folder, 'older.sqlite')
  const state = join(scene.home, 'state.sqlite')
  await cp(state, older)
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  await expectRecorded(scene)
  await endController(scene)
  const ids = await scene.instanceIds()
  await rm(state)
  await cp(older, state)
  expect(await scene.repave('up')).toMatchObject({ exitCode: 1, lines: [{ code: 'LEDGER_BEHIND' }] })
  expect(await scene.repave('ledger', 'restart')).toMatchObject({ exitCode: 2 })
  expect(await scene.repave('ledger', 'restart', '--reason', 'the disk was lost')).toMatchObject({ exitCode: 0 })
  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ ready: 2 }] })
  expect(await scene.instanceIds()).toEqual(expect.arrayContaining(ids.slice(0, 1)))
  await expectRecorded(scene)
  const copy = join(scene.folder, 'copy')
  await scene.repave('ledger', 'export', copy)
  const [first] = (await scene.repave('ledger', 'log', '--folder', copy)).lines
  expect(first).toMatchObject({ sequence: 0, kind: 'ledger.restarted', message: 'the disk was lost' })
})

test('a backup that was taken under load brings a state back on another machine', async () => {
  const scene = await openStack()
  const load = await scene.load({ ratePerSecond: 100 })
  await scene.declare({ replicas: 2, environment: { GREETING: 'second' } })
  const rollout = scene.start('up')
  rollout.stdout?.resume()
  const backup = join(scene.folder, 'backup')
  const [taken] = await Promise.all([scene.repave('backup', backup), once(rollout, 'exit')])
  expect(taken).toMatchObject({ exitCode: 0, lines: [{ ok: true }] })
  expect((await load.stop()).failures).toEqual([])
  const other = join(scene.folder, 'other')
  await mkdir(other, { mode: 0o700 })
  const environment = { REPAVE_HOME: other }
  const restored = await scene.repaveWith(environment, 'restore', backup)
  expect(restored).toMatchObject({ exitCode: 0, lines: [{ ok: true }] })
  // What was signed until the backup stays as it is; the ledger that goes on from there is another one.
  const { past } = last(restored) as { past: string }
  expect(last(await scene.repave('ledger', 'verify', past))).toMatchObject({ ok: true, problems: [] })
  const again = await scene.repaveWith(environment, 'restore', backup)
  expect(again).toMatchObject({ exitCode: 1, lines: [{ code: 'FILE_UNWRITABLE' }] })
})
