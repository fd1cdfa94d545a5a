/** Promise 3: no request is lost, and capacity never falls below the floor. */
import { describe, expect, test } from 'vitest'
import { expectFloor, watched } from './floor-watch.ts'
import { calmHealth, loadOf, mixes, words } from './mixes.ts'
import { openScene } from './open-scene.ts'
import { isSoak } from './soak.ts'

const health = calmHealth

describe.each(isSoak ? [1, 3, 10, 30] : [1, 3, 30])('a fleet of %i under 500 requests a second', (replicas) => {
  test.each(mixes.map((mix) => [words(mix), mix] as const))(
    'is replaced and rolled back without losing one (%s)',
    { timeout: 300_000 },
    async (_, mix) => {
      const scene = await openScene()
      await scene.declare({ replicas, health })
      await scene.succeed('up')
      const before = await scene.instanceIds()
      const load = await loadOf(scene, mix)

      await scene.declare({ replicas, health, environment: { GREETING: 'second' } })
      expectFloor(await watched(scene, replicas, 'up'), replicas)
      const between = await scene.instanceIds()
      expect(await scene.answers(3)).toEqual(answersOf('second'))
      expectFloor(await watched(scene, replicas, 'rollback'), replicas)
      const after = await scene.instanceIds()

      const reports = await load.stop()
      expect(reports.flatMap(({ failures }) => failures)).toEqual([])
      for (const { releases } of reports) expect(Object.keys(releases).toSorted()).toEqual(['first', 'second'])
      for (const ids of [before, between, after]) expect(ids).toHaveLength(replicas)
      expect(new Set([...before, ...between, ...after]).size).toBe(3 * replicas)
      expect(await scene.answers(3)).toEqual(answersOf('first'))
    },
  )
})

test('a floor that was lowered is used, and kept', async () => {
  const scene = await openScene()
  const rollout = { maxSurge: 0, maxUnavailable: 1 }
  await scene.declare({ replicas: 3, rollout })
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond: 200, methods: ['GET', 'POST'] })
  await scene.declare({ replicas: 3, rollout, environment: { GREETING: 'second' } })
  expect((await watched(scene, 3, 'up')).least).toBe(2)
  expect((await load.stop()).failures).toEqual([])
})

test('a request that takes its time is answered by the instance that is going', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 1, drain: '10s' })
  await scene.succeed('up')
  const slow = fetch(`${scene.url}?delayMs=3000`)
  await scene.declare({ replicas: 1, drain: '10s', environment: { GREETING: 'second' } })
  await scene.succeed('up')
  expect(await (await slow).text()).toMatch(/^first from /)
})

test('replicas alone change no instance that stays', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const two = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200 })
  await scene.declare({ replicas: 4 })
  expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: 4 }] })
  expect(await scene.instanceIds()).toEqual(expect.arrayContaining([...two]))
  await scene.declare({ replicas: 1 })
  expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: 1 }] })
  expect((await load.stop()).failures).toEqual([])
})

function answersOf(greeting: string): readonly unknown[] {
  return Array.from({ length: 3 }, () => expect.stringMatching(new RegExp(`^200 ${greeting} from `)))
}
