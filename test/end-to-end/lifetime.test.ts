/** Promise 5: nothing grows old, and what grows old is replaced without anybody's notice. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { expectFloor, watchFloor } from './floor-watch.ts'
import { openScene } from './open-scene.ts'
import { expectRecorded } from './recorded.ts'
import type { Scene } from './scene.ts'
import { isSoak } from './soak.ts'

/** The time that the last requests of one get, and what its end may take on a busy machine. */
const graceMs = 5_000 + 5_000
const pauseMs = 500

const trial = isSoak
  ? { replicas: 20, maxSeconds: 120, ratePerSecond: 500, watchedMs: 600_000 }
  : { replicas: 6, maxSeconds: 60, ratePerSecond: 200, watchedMs: 75_000 }

test(
  `${trial.replicas} that are born together live ${trial.maxSeconds} s at most, watched for ${trial.watchedMs / 1_000} s under load`,
  { timeout: trial.watchedMs + 240_000 },
  async () => {
    const { replicas, maxSeconds, ratePerSecond, watchedMs } = trial
    const scene = await openScene()
    await scene.declare({ replicas, lifetime: { max: `${maxSeconds}s`, jitter: '20%' } })
    await scene.succeed('up')
    const first = await scene.instanceIds()
    const load = await scene.load({ ratePerSecond })
    const floor = watchFloor(scene.router)
    const seen = await watchAges(scene, watchedMs)
    const sampled = await floor.stop()
    const { failures, requests, latencyMs } = await load.stop()
    const deaths = seen.deaths.length
    const mostAtOnce = Math.max(...seen.deaths)
    console.log(
      `${replicas} instances, ${watchedMs / 1_000} s: oldest ${(seen.oldestMs / 1_000).toFixed(1)} s of ${maxSeconds}, ` +
        `floor ${sampled.least} in ${sampled.samples} samples, ${seen.ended} ended, at most ${mostAtOnce} within ${pauseMs} ms of ` +
        `${deaths} times, ${requests} requests, ${failures.length} failed, p99 ${latencyMs.p99.toFixed(1)} ms`,
    )
    expect(failures).toEqual([])
    expectFloor({ ...sampled, reasons: await reasonsToLeave(scene) }, replicas)
    expect(seen.oldestMs).toBeLessThanOrEqual(maxSeconds * 1_000 + graceMs)
    expect(seen.present.intersection(new Set(first))).toEqual(new Set())
    expect(mostAtOnce).toBeLessThan(replicas / 2)
    const overdue = (await scene.entries()).filter(({ kind }) => kind === 'instance.overdue')
    expect(overdue).toEqual([])
    await expectRecorded(scene)
  },
)

test('repave now replaces all under load, and no request fails', { timeout: 180_000 }, async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 3 })
  await scene.succeed('up')
  const before = new Set(await scene.instanceIds())
  const loads = await Promise.all([
    scene.load({ ratePerSecond: 250 }),
    scene.load({ ratePerSecond: 250, connections: 'new', methods: ['POST'] }),
  ])
  const floor = watchFloor(scene.router)
  expect(await scene.succeed('now')).toMatchObject({ ok: true, changed: true, services: [{ ready: 3 }] })
  expectFloor({ ...(await floor.stop()), reasons: await reasonsToLeave(scene) }, 3)
  for (const load of loads) expect((await load.stop()).failures).toEqual([])
  const after = await scene.instanceIds()
  expect(after.filter((id) => before.has(id))).toEqual([])
  expect(after).toHaveLength(3)
  await expectRecorded(scene)
})

/** Why instances were taken out of rotation: each reason with how often. */
async function reasonsToLeave(scene: Scene): Promise<readonly string[]> {
  const left = (await scene.entries()).filter(({ kind }) => kind === 'unroute.intent')
  return [...Map.groupBy(left, ({ message }) => message)].map(([message, of]) => `${of.length} times: ${message}`)
}

interface Ages {
  readonly oldestMs: number
  /** By id, at the end. */
  readonly present: ReadonlySet<string>
  /** How many had ended at each of the looks at which any had. */
  readonly deaths: readonly number[]
  readonly ended: number
}

/** By the engine's own view. It tells births in whole seconds: an age is a second more at most than it is. */
async function watchAges(scene: Scene, watchedMs: number): Promise<Ages> {
  const endsAtMs = Date.now() + watchedMs
  let [oldestMs, present] = [0, new Set(await scene.instanceIds())]
  const deaths: number[] = []
  while (Date.now() < endsAtMs) {
    await delay(pauseMs)
    const instances = await scene.instances()
    const now = new Set(instances.map(({ Id }) => Id))
    const gone = present.difference(now).size
    if (gone > 0) deaths.push(gone)
    oldestMs = Math.max(oldestMs, ...instances.map(({ Created }) => Date.now() - Created * 1_000))
    present = now
  }
  return { oldestMs, present, deaths, ended: deaths.reduce((sum, count) => sum + count, 0) }
}
