/** Promises 3 and 6 for what moves requests at once or by shares, and for what lets them wait. */
import { expect, test } from 'vitest'
import type { LoadReport } from '../load/tally.ts'
import { expectFloor, watched } from './floor-watch.ts'
import { calmHealth, loadOf, mixes, words } from './mixes.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'
import { isSoak } from './soak.ts'

const rollouts = {
  blueGreen: { strategy: 'blueGreen', deadline: '60s' },
  canary: {
    strategy: 'canary',
    steps: [{ share: '5%', for: '3s', requests: 20 }],
    verdict: { window: '1s', requests: 0 },
    deadline: '60s',
  },
  recreate: { strategy: 'recreate', deadline: '60s' },
}

const sizes = isSoak ? [1, 3, 10, 30] : undefined
const fleets = (strategy: keyof typeof rollouts, replicas: readonly number[]) =>
  replicas.flatMap((size) => mixes.map((mix) => [strategy, size, words(mix), mix] as const))

test.each([...fleets('blueGreen', sizes ?? [3, 10]), ...fleets('canary', sizes ?? [3])])(
  '%s of %i under 500 requests a second loses none, and none comes late after the way back (%s)',
  { timeout: 300_000 },
  async (strategy, replicas, _, mix) => {
    const scene = await openScene()
    const declare = (greeting: string) => declareFleet(scene, strategy, replicas, greeting)
    await declare('first')
    await scene.succeed('up')
    await declare('second')
    const load = await loadOf(scene, mix)
    expectFloor(await watched(scene, replicas, 'up'), replicas)
    expectNoneLost(await load.stop())

    const warm = await scene.instanceIds()
    expect(warm).toHaveLength(2 * replicas)
    const lateLoad = await loadOf(scene, mix)
    expectFloor(await watched(scene, replicas, 'rollback'), replicas)
    const reports = await lateLoad.stop()
    expectNoneLost(reports)
    expect(await scene.instanceIds()).toEqual(warm)
    // A request that was sent once anyone had an answer of the old version has one of it, too.
    const firstOfOldMs = Math.min(...reports.map(({ releases }) => releases['first']?.firstAtMs ?? Infinity))
    for (const { releases } of reports) expect(releases['second']?.lastSentAtMs).toBeLessThanOrEqual(firstOfOldMs)
  },
)

// The router lets requests wait for some 6 s.
test.each(fleets('recreate', sizes ?? [1, 10]))(
  '%s of %i under 500 requests a second lets them wait, and loses none (%s)',
  { timeout: 300_000 },
  async (strategy, replicas, _, mix) => {
    const scene = await openScene()
    await declareFleet(scene, strategy, replicas, 'first')
    await scene.succeed('up')
    await declareFleet(scene, strategy, replicas, 'second')
    for (const [command, before, after] of [
      ['up', 'first', 'second'],
      ['rollback', 'second', 'first'],
    ] as const) {
      const load = await loadOf(scene, mix)
      await watched(scene, replicas, command)
      const reports = await load.stop()
      expectNoneLost(reports)
      // Never two at once: whoever had an answer of the next one gets none of the one before.
      for (const { releases } of reports)
        expect(releases[before]?.lastAtMs).toBeLessThanOrEqual(releases[after]?.firstAtMs ?? NaN)
    }
  },
)

async function declareFleet(scene: Scene, strategy: keyof typeof rollouts, replicas: number, greeting: string) {
  await scene.declare({
    replicas,
    health: calmHealth,
    rollout: rollouts[strategy],
    environment: { GREETING: greeting },
  })
}

function expectNoneLost(reports: readonly LoadReport[]): void {
  expect(reports.flatMap(({ failures }) => failures)).toEqual([])
  for (const { releases } of reports) expect(Object.keys(releases).toSorted()).toEqual(['first', 'second'])
}
