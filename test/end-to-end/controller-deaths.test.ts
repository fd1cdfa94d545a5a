/** Promises 8 and 10: whatever moment the controller dies at, the next command ends at what the file says. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/system/random.ts'
import { openScene } from './open-scene.ts'
import { kill } from './processes.ts'
import type { Scene } from './scene.ts'
import { expectRecorded } from './recorded.ts'
import { isSoak, seed } from './soak.ts'
import { expectWhole, restingSandboxes } from './whole.ts'

const replicas = 3
const minutes = 60_000

const deathsUnderLoad = isSoak ? 270 : 6
const roundsPerAudit = 10
test(
  `killed ${deathsUnderLoad} times during up, rollback and replace under load: no request and no entry is lost, nothing is left`,
  { timeout: (1 + deathsUnderLoad) * minutes },
  async () => {
    const scene = await openScene()
    const random = seededRandom(seed)
    const typicalMs = await bringUpTwice(scene)
    const sandboxes = await restingSandboxes(scene)
    const loads = await Promise.all([
      scene.load({ ratePerSecond: 150, methods: ['GET', 'POST'] }),
      scene.load({ ratePerSecond: 50, methods: ['GET', 'POST'], connections: 'new' }),
    ])
    let greeting = 'second'
    const checkpoints = [await expectRecorded(scene)]
    for (let round = 1; round <= deathsUnderLoad; round += 1) {
      const command = await draw(random, scene)
      if (command[0] === 'up') {
        greeting = `change-${round}`
        await declare(scene, greeting)
      }
      await killDuring(scene, command, random.integer(typicalMs))
      // Recovery may be cut short too.
      if (random.integer(3) === 0) await killDuring(scene, ['up'], random.integer(typicalMs))
      await expectConvergence(scene, { replicas, greeting, sandboxes })
      if (round % roundsPerAudit === 0) checkpoints.push(await expectRecorded(scene, checkpoints))
    }
    await expectRecorded(scene, checkpoints)
    const reports = await Promise.all(loads.map((load) => load.stop()))
    expect(reports.flatMap(({ failures }) => failures)).toEqual([])
  },
)

const lives = isSoak ? 30 : 2
test(
  `killed during the first up and during down, ${lives} times: everything comes, and everything goes`,
  { timeout: (1 + lives) * minutes },
  async () => {
    const scene = await openScene()
    const random = seededRandom(seed)
    const typicalMs = await bringUpTwice(scene)
    const sandboxes = await restingSandboxes(scene)
    for (let life = 1; life <= lives; life += 1) {
      await killDuring(scene, ['down'], random.integer(typicalMs))
      await scene.succeed('down')
      expect(await scene.leftovers()).toEqual([])
      expect(scene.routerProcesses()).toEqual([])
      await killDuring(scene, ['up'], random.integer(typicalMs))
      await expectConvergence(scene, { replicas, greeting: 'second', sandboxes })
    }
    await expectRecorded(scene)
  },
)

test('while no controller lives the fleet serves, and the next one adopts it as it is', async () => {
  const scene = await openScene()
  await declare(scene, 'first')
  await scene.succeed('up')
  const before = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200 })
  await scene.killController()
  expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 first from /)))
  expect(await scene.succeed('up')).toMatchObject({ changed: false })
  expect(await scene.instanceIds()).toEqual(before)
  expect((await load.stop()).failures).toEqual([])
})

function declare(scene: Scene, greeting: string): Promise<void> {
  return scene.declare({ replicas, environment: { GREETING: greeting } })
}

/** Leaves a fleet with something to roll back to, and tells how many milliseconds its change took. */
async function bringUpTwice(scene: Scene): Promise<number> {
  await declare(scene, 'first')
  await scene.succeed('up')
  await declare(scene, 'second')
  const startedAtMs = Date.now()
  await scene.succeed('up')
  return Date.now() - startedAtMs
}

async function draw(random: Random, scene: Scene): Promise<readonly [string, ...string[]]> {
  const names = (await scene.instances()).flatMap(({ Names }) => Names.map((name) => name.slice(1)))
  return random.pick([['up'], ['up'], ['rollback'], ['replace', random.pick(names.toSorted())]] as const)
}

/** Kills the controller `afterMs` into a command, and waits for what the command has to say. */
async function killDuring(scene: Scene, command: readonly string[], afterMs: number): Promise<void> {
  const interrupted = scene.start(...command)
  interrupted.stdout?.resume()
  interrupted.stderr?.resume()
  const ended = once(interrupted, 'exit')
  await delay(afterMs)
  for (const { pid } of scene.controllers()) kill(pid)
  await ended
}

async function expectConvergence(scene: Scene, wanted: Parameters<typeof expectWhole>[1]): Promise<void> {
  expect(await scene.succeed('up')).toMatchObject({ ok: true, services: [{ ready: wanted.replicas }] })
  await expectWhole(scene, wanted)
  const before = await scene.instanceIds()
  expect(await scene.succeed('up')).toMatchObject({ changed: false })
  expect(await scene.instanceIds()).toEqual(before)
}
