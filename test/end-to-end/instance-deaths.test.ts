/** Any instance may be killed at any moment: what can be tried again is, and nothing else is sent twice. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/system/random.ts'
import { eventually } from './eventually.ts'
import { killInSomeWay, type Span, unexplained } from './kills.ts'
import { openScene } from './open-scene.ts'
import type { Scene } from './scene.ts'
import { isSoak, seed } from './soak.ts'
import { expectWhole, restingSandboxes } from './whole.ts'

const minutes = 60_000
/** Also a fleet of one has to be whole again before a held request is given up. */
const fleets = [1, 3]
const deaths = isSoak ? 20 : 2

test.each(fleets)(
  `an instance of %i is killed, ${deaths} times: no GET is lost`,
  { timeout: (1 + deaths) * minutes },
  async (replicas) => {
    const scene = await openScene()
    const random = seededRandom(seed)
    await scene.declare({ replicas })
    await scene.succeed('up')
    const sandboxes = await restingSandboxes(scene)
    const loads = await Promise.all([
      scene.load({ ratePerSecond: 150 }),
      scene.load({ ratePerSecond: 100, connections: 'new' }),
      scene.load({ ratePerSecond: 50, methods: ['POST'] }),
    ])
    const killed: Span[] = []
    for (let death = 1; death <= deaths; death += 1) {
      await eventually('no crash loop is seen in what is killed here', () => isCalm(scene))
      const victim = random.pick(await scene.instanceIds())
      killed.push(await killInSomeWay(scene, victim, random))
      await eventually('the killed instance has been replaced', () => isReplaced(scene, [victim], replicas))
    }
    const [kept, fresh, posts] = await Promise.all(loads.map((load) => load.stop()))
    expect(kept?.failures).toEqual([])
    expect(fresh?.failures).toEqual([])
    expect(posts && unexplained(posts, killed)).toEqual([])
    await expectWhole(scene, { replicas, greeting: 'first', sandboxes })
  },
)

const rollouts = isSoak ? 20 : 3
test(
  `instances old and new are killed in the middle of ${rollouts} rollouts: no GET is lost, and each rollout ends well`,
  { timeout: (1 + rollouts) * minutes },
  async () => {
    const scene = await openScene()
    const random = seededRandom(seed)
    const declare = (greeting: string) => scene.declare({ replicas: 4, environment: { GREETING: greeting } })
    await declare('undisturbed')
    await scene.succeed('up')
    await declare('0')
    const startedAtMs = Date.now()
    await scene.succeed('up')
    const typicalMs = Date.now() - startedAtMs
    const sandboxes = await restingSandboxes(scene)
    const gets = await scene.load({ ratePerSecond: 200 })
    const posts = await scene.load({ ratePerSecond: 100, methods: ['POST'], connections: 'new' })
    const killed: Span[] = []
    for (let rollout = 1; rollout <= rollouts; rollout += 1) {
      await declare(`${rollout}`)
      const up = scene.start('up')
      up.stdout?.resume()
      const ended = once(up, 'exit')
      const victims: string[] = []
      // Three deaths before they ever served would be a verdict on the new version.
      for (let death = 0; death < 2; death += 1) {
        await delay(random.integer(Math.ceil(typicalMs / 2)))
        const victim = random.pick(await scene.instanceIds())
        victims.push(victim)
        killed.push(await killInSomeWay(scene, victim, random))
      }
      expect(await ended, `rollout ${rollout}`).toEqual([0, null])
      await eventually('what was killed as the command ended is replaced', () => isReplaced(scene, victims, 4))
      await expectWhole(scene, { replicas: 4, greeting: `${rollout}`, sandboxes })
    }
    expect((await gets.stop()).failures).toEqual([])
    expect(unexplained(await posts.stop(), killed)).toEqual([])
  },
)

const inFlight = 24
test('of requests in flight a killed instance costs its own POSTs, and no GET', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 3, drain: '20s' })
  await scene.succeed('up')
  const requests = (['GET', 'POST'] as const).flatMap((method) =>
    Array.from({ length: inFlight }, async () => ({ method, isAnswered: await isAnswered(scene, method) })),
  )
  await eventually('all requests have arrived', async () => {
    return (await scene.router.requests()).values().reduce((sum, count) => sum + count, 0) === 2 * inFlight
  })
  const victim = (await scene.instances())[0]
  const lost = (await scene.router.requests()).get(victim?.Names[0]?.slice(1) ?? '') ?? 0
  expect(lost).toBeGreaterThan(0)
  await scene.killInstance(victim?.Id ?? '')
  const outcomes = await Promise.all(requests)
  const failed = outcomes.filter((outcome) => !outcome.isAnswered)
  expect(failed.filter(({ method }) => method === 'GET')).toEqual([])
  expect(failed.length).toBeGreaterThan(0)
  expect(failed.length).toBeLessThanOrEqual(lost)
})

test('an instance that someone pauses is replaced, also where its port still accepts connections', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2, drain: '1s', health: { tcp: true, interval: '200ms' } })
  await scene.succeed('up')
  const [victim = ''] = await scene.instanceIds()
  await scene.engine.call('POST', `/containers/${victim}/pause`)
  await eventually('the paused instance has been replaced', () => isReplaced(scene, [victim], 2))
})

async function isAnswered(scene: Scene, method: 'GET' | 'POST'): Promise<boolean> {
  const response = await fetch(`${scene.url}?delayMs=3000`, { method, headers: { connection: 'close' } })
  await response.text()
  return response.ok
}

async function isReplaced(scene: Scene, victims: readonly string[], replicas: number): Promise<boolean> {
  const ids = await scene.instanceIds()
  const { services } = await scene.status()
  return !victims.some((victim) => ids.includes(victim)) && ids.length === replicas && services[0]?.ready === replicas
}

async function isCalm(scene: Scene): Promise<boolean> {
  const [service] = (await scene.status()).services
  return (
    service !== undefined &&
    service.backoff === undefined &&
    service.instances.every(({ ageSeconds }) => ageSeconds > 10)
  )
}
