/** HAProxy dies, as a whole or in part: it comes back with every instance in it, and a rollout goes on. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import { kill } from './processes.ts'
import { expectRecorded } from './recorded.ts'
import type { Scene } from './scene.ts'
import { expectWhole, restingSandboxes } from './whole.ts'

const replicas = 3

const victims = {
  'the master': (scene: Scene) => masterPid(scene),
  'the worker': (scene: Scene) => pids(scene).filter((pid) => !masterPid(scene).includes(pid)),
  'master and worker': (scene: Scene) => pids(scene),
} as const

test.each(Object.entries(victims))('%s is killed: every instance is in it again', async (_, choose) => {
  const scene = await openScene()
  await declare(scene, 'first')
  await scene.succeed('up')
  const sandboxes = await restingSandboxes(scene)
  const before = await scene.instanceIds()
  killAll(choose(scene))
  await eventually('each instance answers', async () => {
    const answers = await scene.answers(2 * replicas).catch(() => [])
    return new Set(answers.filter((answer) => answer.startsWith('200'))).size === replicas
  })
  expect(await scene.succeed('up')).toMatchObject({ changed: false })
  expect(await scene.instanceIds()).toEqual(before)
  await expectWhole(scene, { replicas, greeting: 'first', sandboxes })
})

test.each(Object.entries(victims))(
  '%s is killed in the middle of a rollout, which ends as it should',
  async (_, choose) => {
    const scene = await openScene()
    await declare(scene, 'first')
    await scene.succeed('up')
    const sandboxes = await restingSandboxes(scene)
    const before = await scene.instanceIds()
    await declare(scene, 'second')
    const rollout = scene.start('up')
    rollout.stdout?.resume()
    const ended = once(rollout, 'exit')
    await eventually('the first old instance has gone', async () => {
      const ids = await scene.instanceIds()
      return before.some((id) => !ids.includes(id))
    })
    killAll(choose(scene))
    expect(await ended).toEqual([0, null])
    await expectWhole(scene, { replicas, greeting: 'second', sandboxes })
    await expectRecorded(scene)
    expect(await scene.succeed('up')).toMatchObject({ changed: false })
    expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 second from /)))
  },
)

function declare(scene: Scene, greeting: string): Promise<void> {
  return scene.declare({ replicas, environment: { GREETING: greeting } })
}

function killAll(victimPids: readonly number[]): void {
  expect(victimPids.length).toBeGreaterThan(0)
  for (const pid of victimPids) kill(pid)
}

function pids(scene: Scene): readonly number[] {
  return scene.routerProcesses().map(({ pid }) => pid)
}

/** The parent of the others. */
function masterPid(scene: Scene): readonly number[] {
  const found = scene.routerProcesses()
  return found.filter(({ parent }) => !found.some(({ pid }) => pid === parent)).map(({ pid }) => pid)
}
