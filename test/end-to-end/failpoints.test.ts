/** Promises 8 and 10: a controller that ends at a named failpoint loses no entry, no request, and leaves nothing behind. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { expectRecorded } from './recorded.ts'
import { openScene } from './open-scene.ts'
import { hasEnded, type Scene } from './scene.ts'
import { isSoak } from './soak.ts'
import { expectWhole, restingSandboxes } from './whole.ts'

const replicas = 3
const minutes = 60_000

/** Each strikes in the course of one replacement of the fleet, with a route added to it. */
const calls = [
  'engine create 2',
  'engine start 2',
  'engine destroy 1',
  'engine reserve 1',
  'router configure 1',
  'router add 2',
  'router remove 1',
  'store decide 1',
  'store append 3',
  'store append 14',
  'store saveVersion 1',
  'store endRollout 1',
  'ledger publish 1',
] as const
const all = calls.flatMap((call) => [`before ${call}`, `after ${call}`])
/** Without soaking, each call once, at one side of it. */
const failpoints = isSoak ? all : all.filter((_, index) => index % 4 === 0 || index % 4 === 3)

test(
  `killed at each of ${failpoints.length} failpoints of a replacement under load: it ends as it should`,
  { timeout: failpoints.length * minutes },
  async () => {
    const scene = await openScene()
    await declare(scene, 'first', 1)
    await scene.succeed('up')
    const sandboxes = await restingSandboxes(scene)
    const load = await scene.load({ ratePerSecond: 100, methods: ['GET', 'POST'] })
    const checkpoints: string[] = []
    for (const [index, failpoint] of failpoints.entries()) {
      const greeting = `after ${index}`
      await dieAt(scene, failpoint, () => declare(scene, greeting, (index % 2) + 1))
      expect(await scene.succeed('up'), failpoint).toMatchObject({ ok: true, services: [{ ready: replicas }] })
      await expectWhole(scene, { replicas, greeting, sandboxes })
      checkpoints.push(await expectRecorded(scene, checkpoints))
    }
    expect((await load.stop()).failures).toEqual([])
  },
)

/** With as many routes as `routes` says, all to the one service. */
function declare(scene: Scene, greeting: string, routes: number): Promise<void> {
  const paths = ['/', '/second'].slice(0, routes)
  const route = paths.map((path) => ({ listen: `127.0.0.1:${scene.port}`, path }))
  return scene.declare({ replicas, environment: { GREETING: greeting }, route })
}

/** Puts a dying controller in the place of the one that runs, and has it replace the fleet. */
async function dieAt(scene: Scene, failpoint: string, change: () => Promise<void>): Promise<void> {
  for (const { pid } of scene.controllers()) process.kill(pid)
  await eventually('the controller has ended', () => scene.controllers().length === 0)
  const dying = await scene.startDyingController(failpoint)
  const death = hasEnded(dying) ? undefined : once(dying, 'exit')
  await change()
  const interrupted = scene.start('up')
  interrupted.stdout?.resume()
  await Promise.all([death, once(interrupted, 'exit')])
  expect(dying.signalCode, failpoint).toBe('SIGKILL')
}
