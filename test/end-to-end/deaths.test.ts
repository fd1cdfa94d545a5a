import { once } from 'node:events'
import { expect, test } from 'vitest'
import { kill } from './processes.ts'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'

/** The fleet as declared, and nothing beside it. */
async function isWhole(scene: Scene, replicas: number): Promise<boolean> {
  const [service] = (await scene.status()).services
  return service?.ready === replicas && (await scene.instances()).length === replicas
}

test('a killed instance is replaced, and no GET is lost', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 3 })
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond: 300 })
  for (let round = 0; round < 2; round += 1) {
    const [victim = ''] = await scene.instanceIds()
    await scene.killInstance(victim)
    await eventually('the killed instance has been replaced', async () => {
      const ids = await scene.instanceIds()
      return !ids.includes(victim) && (await isWhole(scene, 3))
    })
  }
  expect((await load.stop()).failures).toEqual([])
})

test('a controller killed in the middle of a rollout: the next command converges to the file', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 4 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  const { pid } = (await scene.status()).controller
  const load = await scene.load({ ratePerSecond: 200 })

  await scene.declare({ replicas: 4, environment: { GREETING: 'second' } })
  const interrupted = scene.start('up')
  await eventually('the first old instance has gone', async () => {
    const ids = await scene.instanceIds()
    return before.some((id) => !ids.includes(id))
  })
  kill(pid)
  const [exitCode] = (await once(interrupted, 'exit')) as [number]
  expect(exitCode).not.toBe(0)

  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ ready: 4 }] })
  await eventually('the fleet is whole', () => isWhole(scene, 4))
  expect((await scene.status()).controller.pid).not.toBe(pid)
  expect((await scene.instanceIds()).filter((id) => before.includes(id))).toEqual([])
  const report = await load.stop()
  expect(report.failures).toEqual([])
  expect(Object.keys(report.releases).toSorted()).toEqual(['first', 'second'])
  expect(await scene.succeed('down')).toMatchObject({ ok: true })
  expect(await scene.leftovers()).toEqual([])
})

test('while no controller lives the fleet serves, and the next one adopts it as it is', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200 })
  await scene.killController()
  expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 first from /)))
  expect(await scene.succeed('up')).toMatchObject({ changed: false })
  expect(await scene.instanceIds()).toEqual(before)
  expect((await load.stop()).failures).toEqual([])
})

test('a killed router comes back with every instance in it', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  const killed = scene.routerProcesses().map(({ pid }) => pid)
  expect(killed.length).toBeGreaterThan(0)
  for (const pid of killed) kill(pid)
  await eventually('the address answers again', async () => {
    const answer = await fetch(scene.url, { headers: { connection: 'close' } }).catch(() => undefined)
    return answer?.ok === true
  })
  await eventually('both instances answer', async () => new Set(await scene.answers(6)).size === 2)
  expect(await scene.instanceIds()).toEqual(before)
})
