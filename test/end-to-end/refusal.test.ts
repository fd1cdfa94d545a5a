import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { openScene } from './open-scene.ts'
import { verdict } from './scene.ts'

test.each([
  { fault: 'crash', log: 'cannot go on: FAULT is crash' },
  { fault: 'unhealthy', log: 'listening on 8080' },
])('a version whose fault is "$fault" is aborted, and the fleet kept', async ({ fault, log }) => {
  const scene = await openScene()
  const rollout = { deadline: '5s' }
  await scene.declare({ replicas: 3, rollout })
  const { services } = await scene.succeed('up')
  const before = await scene.instanceIds()
  const load = await scene.load({ ratePerSecond: 200, methods: ['GET', 'POST'] })

  await scene.declare({ replicas: 3, rollout, environment: { GREETING: 'broken', FAULT: fault } })
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(verdict(ended)).toMatchObject({ ok: false, code: 'ROLLOUT_ABORTED', services })
  expect(verdict(ended).logs?.join('\n')).toContain(log)
  expect(verdict(ended).message).toBeTruthy()
  expect(verdict(ended).hint).toBeTruthy()

  await eventually('only the old instances are left', async () => {
    return JSON.stringify(await scene.instanceIds()) === JSON.stringify(before)
  })
  const report = await load.stop()
  expect(report.failures).toEqual([])
  expect(Object.keys(report.releases)).toEqual(['first'])
  expect((await scene.status()).services).toMatchObject([{ desired: 3, ready: 3 }])
})

test('a bad rollout gives way to the mended one, and who watches it is told', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 2 })
  await scene.succeed('up')
  const rollout = { deadline: '10m' }
  await scene.declare({ replicas: 2, rollout, environment: { GREETING: 'broken', FAULT: 'unhealthy' } })
  const bad = scene.repave('up')
  await eventually('a bad instance runs', async () => (await scene.instances()).length > 2)
  await scene.declare({ replicas: 2, rollout, environment: { GREETING: 'mended' } })
  expect(await scene.succeed('up')).toMatchObject({ ok: true, changed: true, services: [{ ready: 2 }] })
  expect(await scene.answers(1)).toEqual([expect.stringMatching(/^200 mended from /)])
  const ended = await bad
  expect(ended.exitCode).toBe(1)
  expect(verdict(ended)).toMatchObject({ ok: false, code: 'ROLLOUT_SUPERSEDED' })
})

test('an image that is nowhere changes nothing', async () => {
  const scene = await openScene()
  await scene.declare()
  await scene.succeed('up')
  const before = await scene.instanceIds()
  await scene.declare({ image: 'localhost:1/nowhere:1.0' })
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(ended.lines.at(-1)).toMatchObject({ ok: false, code: 'IMAGE_NOT_FOUND' })
  expect(await scene.instanceIds()).toEqual(before)
})

test('a command that is not in the image is said to be so', async () => {
  const scene = await openScene()
  await scene.declare({ replicas: 1 })
  await scene.succeed('up')
  const before = await scene.instanceIds()
  await scene.declare({ replicas: 1, command: ['/usr/bin/absent'] })
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(ended.output).toContain('/usr/bin/absent')
  await eventually('only the old instance is left', async () => {
    return JSON.stringify(await scene.instanceIds()) === JSON.stringify(before)
  })
})

test('a port that someone else listens on is refused before anything is made', async () => {
  const other = await openScene()
  await other.declare({ replicas: 1 })
  await other.succeed('up')
  const scene = await openScene()
  await scene.declare({ replicas: 1, route: { listen: `127.0.0.1:${other.port}` } })
  const ended = await scene.repave('up')
  expect(ended.exitCode).toBe(1)
  expect(ended.lines.at(-1)).toMatchObject({ ok: false, code: 'PORT_IN_USE' })
  expect(await scene.instances()).toEqual([])
  expect(await other.answers(1)).toEqual([expect.stringMatching(/^200 first from /)])
})
