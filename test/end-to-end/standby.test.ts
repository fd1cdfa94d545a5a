/** Standby instances: healthy, out of rotation, and there at once when one dies. */
import { expect, test } from 'vitest'
import type { InstanceState } from '../../src/model/report.ts'
import { seededRandom } from '../../src/system/random.ts'
import { eventually } from './eventually.ts'
import { killInSomeWay, type Span, unexplained } from './kills.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'
import { isSoak, seed } from './soak.ts'

const deaths = isSoak ? 20 : 3

test.each([1, 3])(
  `an instance of %i is killed under 500 requests a second, ${deaths} times: the standby takes its place, and no GET is lost`,
  { timeout: (1 + deaths) * 60_000 },
  async (replicas) => {
    const scene = await openScene()
    const random = seededRandom(seed)
    await scene.declare({ replicas, standby: 1 })
    expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: replicas, serving: replicas }] })
    const loads = await Promise.all([
      scene.load({ ratePerSecond: 250 }),
      scene.load({ ratePerSecond: 125, connections: 'new' }),
      scene.load({ ratePerSecond: 125, connections: 'new', methods: ['POST'] }),
    ])
    const killed: Span[] = []
    for (let death = 1; death <= deaths; death += 1) {
      await eventually('a standby stands by', async () => (await instancesIn(scene, 'standby')).length === 1)
      const [standby = ''] = await instancesIn(scene, 'standby')
      const victim = random.pick(await instancesIn(scene, 'ready'))
      killed.push(await killInSomeWay(scene, victim, random))
      await eventually('the standby serves', async () => (await instancesIn(scene, 'ready')).includes(standby))
    }
    const [kept, fresh, posts] = await Promise.all(loads.map((load) => load.stop()))
    expect(kept?.failures).toEqual([])
    expect(fresh?.failures).toEqual([])
    expect(posts && unexplained(posts, killed)).toEqual([])
  },
)

test('a standby gets no request, and is replaced with the others', async () => {
  const scene = await openScene()
  const declare = (greeting: string) => scene.declare({ replicas: 2, standby: 1, environment: { GREETING: greeting } })
  await declare('first')
  await scene.succeed('up')
  const load = await scene.load({ ratePerSecond: 200 })
  const serving = await instancesIn(scene, 'ready')
  expect(Object.keys((await load.stop()).instances)).toHaveLength(serving.length)
  await declare('second')
  expect(await scene.succeed('up')).toMatchObject({ services: [{ ready: 2, serving: 2 }] })
  expect(await scene.instanceIds()).toHaveLength(3)
  expect(await instancesIn(scene, 'standby')).toHaveLength(1)
})

async function instancesIn(scene: Scene, wanted: InstanceState): Promise<readonly string[]> {
  const [service] = (await scene.status()).services
  return (service?.instances ?? []).filter(({ state }) => state === wanted).map(({ name }) => name)
}
