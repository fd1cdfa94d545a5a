import { expect, onTestFinished, test } from 'vitest'
import { eventually } from './eventually.ts'
import { OwnEngine } from './own-engine.ts'
import { openScene } from './open-scene.ts'
import { expectRecorded } from './recorded.ts'
import type { Scene } from './scene.ts'
import { expectWhole, restingSandboxes } from './whole.ts'

async function openSceneOnOwnEngine(liveRestore: boolean): Promise<{ scene: Scene; engine: OwnEngine }> {
  const engine = await OwnEngine.start({ liveRestore })
  onTestFinished(() => engine.close())
  const scene = await openScene(engine.socket)
  // Last in, first out: the scene needs an engine to clean up with.
  onTestFinished(() => engine.start())
  return { engine, scene }
}

async function isReady(scene: Scene, replicas: number): Promise<boolean> {
  const { services, problems = [] } = await scene.status()
  return problems.length === 0 && services[0]?.ready === replicas
}

test.each([
  ['is killed', 'SIGKILL'],
  ['is stopped', 'SIGTERM'],
] as const)('an engine that %s and comes back: the fleet serves on, and can be replaced', async (_what, signal) => {
  const { scene, engine } = await openSceneOnOwnEngine(true)
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200 })

  await engine.kill(signal)
  await engine.start()
  await eventually('the controller sees its fleet again', () => isReady(scene, 2))
  const kinds = ['instance.tainted', 'unroute.intent', 'destroy.intent']
  expect((await scene.entries()).filter(({ kind }) => kinds.includes(kind))).toEqual([])
  expect(await scene.instanceIds()).toEqual(before)

  await scene.declare({ replicas: 2, environment: { GREETING: 'second' } })
  expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: 2 }] })
  expect((await load.stop()).failures).toEqual([])
})

test('an engine that takes its containers down with it: the fleet is made anew', async () => {
  const { scene, engine } = await openSceneOnOwnEngine(false)
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const before = await scene.instanceIds()

  await engine.kill()
  await engine.start()
  await eventually('two instances are ready again', () => isReady(scene, 2), 60_000)
  expect(await scene.answers(2)).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/^200 first from /)))
  const after = await scene.instanceIds()
  expect(after).toHaveLength(2)
  expect(after.filter((id) => before.includes(id))).toEqual([])
})

test('an engine that dies in the middle of a rollout: the next up finishes it', async () => {
  const { scene, engine } = await openSceneOnOwnEngine(true)
  await scene.declare({ replicas: 3 })
  await scene.succeed('up')
  const sandboxes = await restingSandboxes(scene)
  const before = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200, methods: ['GET', 'POST'] })
  await scene.declare({ replicas: 3, environment: { GREETING: 'second' } })
  const interrupted = scene.start('up')
  await eventually('a new instance has been made', async () => {
    const ids = await scene.instanceIds()
    return ids.some((id) => !before.includes(id))
  })
  await engine.kill()
  await engine.start()
  await eventually('the first up has ended', () => interrupted.exitCode !== null, 60_000)
  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ ready: 3 }] })
  await expectWhole(scene, { replicas: 3, greeting: 'second', sandboxes, isUnfiltered: true })
  await expectRecorded(scene)
  expect((await scene.instanceIds()).filter((id) => before.includes(id))).toEqual([])
  expect((await load.stop()).failures).toEqual([])
})
