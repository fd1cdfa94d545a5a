import { describe, expect, test } from 'vitest'
import type { LoadPlan } from '../load/generate.ts'
import { openScene } from './open-scene.ts'

const modes: readonly Pick<LoadPlan, 'connections' | 'methods'>[] = [
  { connections: 'keep-alive', methods: ['GET', 'POST'] },
  { connections: 'new', methods: ['GET', 'POST'] },
]

/** Seldom enough that sixty instances on two cores are not busy with it. */
const health = { http: '/healthz', interval: '1s', healthyAfter: 1 }

describe.each([1, 3, 10, 30])('a fleet of %i under 500 requests a second', (replicas) => {
  test('is replaced and rolled back without losing one', { timeout: 300_000 }, async () => {
    const scene = await openScene()
    await scene.declare({ replicas, health })
    await scene.succeed('up')
    const before = await scene.instanceIds()
    const loads = await Promise.all(modes.map((mode) => scene.load({ ...mode, ratePerSecond: 500 / modes.length })))

    await scene.declare({ replicas, health, environment: { GREETING: 'second' } })
    expect(await scene.succeed('up')).toMatchObject({ ok: true, changed: true, services: [{ ready: replicas }] })
    const between = await scene.instanceIds()
    expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 second from /)))
    expect(await scene.succeed('rollback')).toMatchObject({ ok: true, changed: true, services: [{ ready: replicas }] })
    const after = await scene.instanceIds()

    const reports = await Promise.all(loads.map((load) => load.stop()))
    expect(reports.flatMap(({ failures }) => failures)).toEqual([])
    for (const { releases } of reports) expect(Object.keys(releases).toSorted()).toEqual(['first', 'second'])
    for (const ids of [before, between, after]) expect(ids).toHaveLength(replicas)
    expect(new Set([...before, ...between, ...after]).size).toBe(3 * replicas)
    expect(await scene.answers(3)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^200 first from /)))
  })
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
