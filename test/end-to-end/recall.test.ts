import { expect, test } from 'vitest'
import type { RefusalsReport, VersionsReport } from '../../src/model/report.ts'
import { openScene } from './open-scene.ts'
import { type Scene, verdict } from './scene.ts'

const current = async (scene: Scene) => (await scene.status()).services[0]!.version!

test('a version that failed is refused until that is lifted', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  await scene.declare({ replicas: 2, environment: { GREETING: 'broken', FAULT: 'crash' } })
  expect((await scene.repave('up')).exitCode).toBe(1)

  const again = await scene.repave('up')
  expect(again.exitCode).toBe(3)
  expect(again.lines.at(-1)).toMatchObject({ code: 'VERSION_REFUSED', hint: expect.stringContaining('--lift 1') })
  expect((await scene.repave('plan')).exitCode).toBe(3)

  expect((await scene.repave('refuse', '--lift', '1')).exitCode).toBe(2)
  const lifted = await scene.repave('refuse', '--lift', '1', '--reason', 'the database is back')
  expect(lifted).toMatchObject({ exitCode: 0, lines: [{ ok: true, changed: true, refusal: { by: 'repave' } }] })
  expect((await scene.repave('up')).exitCode).toBe(1)
  const listed = (await scene.repave('refuse')).lines.at(-1) as RefusalsReport
  expect(listed.refusals.map(({ id, lifted: each }) => [id, each?.reason])).toEqual([
    [2, undefined],
    [1, 'the database is back'],
  ])
})

test('what is recalled is replaced without losing a request, and runs no more', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 3 })
  await scene.succeed('up')
  const first = await current(scene)
  await scene.declare({ replicas: 3, environment: { GREETING: 'second' } })
  await scene.succeed('up')
  const second = await current(scene)
  const load = await scene.load({ ratePerSecond: 200 })

  const recalled = await scene.repave('recall', second, '--reason', 'it leaks')
  expect(recalled.exitCode).toBe(0)
  expect(verdict(recalled)).toMatchObject({ ok: true, services: [{ version: first, ready: 3 }] })
  expect((await load.stop()).failures).toEqual([])
  expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 first from /)))
  expect((await scene.repave('up')).exitCode).toBe(3)
  expect((await scene.repave('rollback', '--to', second)).exitCode).toBe(3)

  const { versions } = (await scene.repave('versions')).lines.at(-1) as VersionsReport
  const [{ digest } = { digest: '' }] = versions
  const states = Object.fromEntries(versions.map(({ version, state }) => [version, state]))
  expect(states).toEqual({ [first]: 'current', [second]: 'refused' })
  const gone = await scene.repave('recall', digest, '--reason', 'the base is compromised')
  expect(gone.exitCode).toBe(1)
  expect(verdict(gone)).toMatchObject({ ok: false, code: 'NOTHING_TO_ROLL_BACK' })
  expect(await scene.leftovers()).toEqual([])
})
