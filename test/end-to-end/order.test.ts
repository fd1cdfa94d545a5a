/** Services of a stack that depend on each other: one after the other, and back as one. */
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { versionName } from '../../src/model/version.ts'
import { openScene } from './open-scene.ts'
import { type Scene, verdict } from './scene.ts'

test('a service is rolled out once what it depends on has been', async () => {
  const scene = await openScene()
  await declare(scene, 'first')
  await scene.succeed('up')
  await declare(scene, 'second')
  await scene.succeed('up')
  const entries = await scene.entries()
  const succeeded = entries.filter(({ service, kind }) => service === 'db' && kind === 'rollout.succeeded')
  const created = entries.filter(({ service, kind }) => service === 'web' && kind === 'create.intent')
  expect(succeeded).toHaveLength(2)
  expect(created).toHaveLength(2)
  for (const [index, { sequence }] of succeeded.entries())
    expect(sequence).toBeLessThan(created[index]?.sequence ?? NaN)
})

test('one that fails takes back what was rolled out before it', async () => {
  const scene = await openScene()
  await declare(scene, 'first')
  const { services } = await scene.succeed('up')
  const load = await scene.load({ ratePerSecond: 200, methods: ['GET', 'POST'] })
  await declare(scene, 'second', { GREETING: 'second', FAULT: 'crash' })
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(verdict(ended)).toMatchObject({
    ok: false,
    code: 'ROLLOUT_ABORTED',
    message: expect.stringMatching(/^web@/),
    services,
  })
  expect((await load.stop()).failures).toEqual([])
  const run = (await scene.instances()).map(({ Labels }) => Labels)
  const versions = run.map((labels) => versionName(labels['repave.service'] ?? '', labels['repave.version'] ?? ''))
  expect(new Set(versions)).toEqual(new Set(services.map(({ version }) => version)))
})

async function declare(scene: Scene, greeting: string, environment: object = { GREETING: greeting }): Promise<void> {
  const { route: _, ...db } = scene.service({ replicas: 1, environment: { GREETING: greeting } })
  const web = scene.service({ replicas: 1, environment, dependsOn: ['db'] })
  await scene.write(stringify({ stack: scene.stack, services: { web, db } }))
}
