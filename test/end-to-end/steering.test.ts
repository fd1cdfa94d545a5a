/** `rollout`, `refuse` and `recall` on the command line: what they do to what runs, and what they exit with. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { heldCanary, rolloutOf, startHeldUp } from './held-canary.ts'
import { openScene } from './open-scene.ts'
import { type Scene, verdict } from './scene.ts'

const declare = (scene: Scene, greeting: string, rollout: object = heldCanary) =>
  scene.declare({ replicas: 1, rollout, environment: { GREETING: greeting } })

test('a canary is paused, resumed, and promoted to its end', async () => {
  const scene = await openScene()
  await declare(scene, 'first')
  await scene.succeed('up')
  await declare(scene, 'second')
  const up = await startHeldUp(scene)

  expect(await steer(scene, 'pause')).toEqual({ exitCode: 0, changed: true })
  expect(await rolloutOf(scene)).toMatchObject({ pausedAt: expect.any(String), share: 5 })
  expect(await steer(scene, 'pause')).toEqual({ exitCode: 0, changed: false })
  expect(await steer(scene, 'resume')).toEqual({ exitCode: 0, changed: true })
  expect((await rolloutOf(scene))?.pausedAt).toBeUndefined()
  expect(await steer(scene, 'promote')).toEqual({ exitCode: 0, changed: true })
  expect(await once(up, 'exit')).toEqual([0, null])
  expect(await greetings(scene)).toEqual(new Set(['second']))
  const none = await scene.repave('rollout', 'promote')
  expect(none).toMatchObject({ exitCode: 1, lines: [{ ok: false, code: 'NO_ROLLOUT' }] })
})

test('a canary is aborted for good, and tried again when somebody asks for it', async () => {
  const scene = await openScene()
  await declare(scene, 'first')
  await scene.succeed('up')
  await declare(scene, 'second')
  const up = await startHeldUp(scene)
  const ended = once(up, 'exit')
  const load = await scene.load({ ratePerSecond: 200, methods: ['GET', 'POST'] })
  expect(await steer(scene, 'abort')).toEqual({ exitCode: 0, changed: true })
  expect(await ended).toEqual([1, null])
  expect((await load.stop()).failures).toEqual([])
  expect(await greetings(scene)).toEqual(new Set(['first']))
  expect(await rolloutOf(scene)).toMatchObject({ state: 'aborted', reason: expect.stringMatching(/^aborted by /) })
  await declare(scene, 'second', { strategy: 'blueGreen' })
  expect(await scene.succeed('up')).toMatchObject({ ok: true })
  expect(await greetings(scene)).toEqual(new Set(['second']))
})

test('what failed, and what is refused by hand, does not run until that is lifted', async () => {
  const scene = await openScene()
  const rolling = { deadline: '5s' }
  await declare(scene, 'first', rolling)
  await scene.succeed('up')
  await scene.declare({ replicas: 1, rollout: rolling, environment: { GREETING: 'second', FAULT: 'crash' } })
  expect(verdict(await scene.repave('up'))).toMatchObject({ code: 'ROLLOUT_ABORTED' })
  const again = await scene.repave('up')
  expect(again).toMatchObject({ exitCode: 3, lines: [{ ok: false, code: 'VERSION_REFUSED' }] })
  expect((await scene.repave('plan')).exitCode).toBe(3)

  await declare(scene, 'third', rolling)
  const [version] = (await scene.succeed('up')).services.map((service) => service.version)
  await declare(scene, 'first', rolling)
  await scene.succeed('up')
  const refused = await scene.repave('refuse', version ?? '', '--reason', 'it leaks')
  const { id } = (refused.lines.at(-1) as { refusal: { id: number } }).refusal
  await declare(scene, 'third', rolling)
  expect((await scene.repave('up')).exitCode).toBe(3)
  expect((await scene.repave('rollback', '--to', version ?? '')).exitCode).toBe(3)
  expect((await scene.repave('refuse', '--lift', `${id}`)).exitCode).toBe(2)
  expect((await scene.repave('refuse', '--lift', `${id}`, '--reason', 'mended')).exitCode).toBe(0)
  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ version }] })
})

test.each([{ strategy: 'rolling' }, { strategy: 'blueGreen' }])(
  'what runs is recalled under 500 requests a second without losing one: $strategy',
  async (rollout) => {
    const scene = await openScene()
    await declare(scene, 'first', rollout)
    await scene.succeed('up')
    await declare(scene, 'second', rollout)
    const [recalled] = (await scene.succeed('up')).services.map((service) => service.version)
    const load = await scene.load({ ratePerSecond: 500, methods: ['GET', 'POST'] })
    const ended = await scene.repave('recall', recalled ?? '', '--reason', 'it leaks')
    expect(ended.exitCode).toBe(0)
    expect(verdict(ended)).toMatchObject({ ok: true, changed: true, services: [{ ready: 1 }] })
    expect((await load.stop()).failures).toEqual([])
    expect(await greetings(scene)).toEqual(new Set(['first']))
    expect(await scene.repave('up')).toMatchObject({ exitCode: 3 })
  },
)

async function steer(scene: Scene, verb: 'pause' | 'resume' | 'promote' | 'abort') {
  const ended = await scene.repave('rollout', verb)
  return { exitCode: ended.exitCode, changed: verdict(ended).changed }
}

async function greetings(scene: Scene): Promise<ReadonlySet<string>> {
  return new Set((await scene.answers(10)).map((answer) => answer.split(' ')[1] ?? ''))
}
