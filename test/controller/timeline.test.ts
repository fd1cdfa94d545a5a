import { afterEach, beforeEach, expect, test } from 'vitest'
import { emptyLock } from '../../src/image/lock.ts'
import type { Stack } from '../../src/model/stack.ts'
import { by, clock, controller, openWorld, passing, result, scope, up, version, web } from './small-world.ts'

beforeEach(openWorld)
afterEach(async () => controller.stop())

const canary = (greeting: string): Stack => ({
  ...scope,
  services: {
    web: {
      ...web,
      environment: { GREETING: greeting },
      rollout: {
        ...web.rollout,
        strategy: 'canary',
        keepWarmMs: 60_000,
        steps: [{ share: 0.1, holdMs: 5_000, requests: 0 }],
      },
    },
  },
})

async function timeline(stack: Stack) {
  const { plan } = await passing(controller.plan({ by, stack, lock: emptyLock, timeline: {} }))
  return plan.timeline
}

test('a plan has a timeline where that is asked for', async () => {
  const { plan } = await passing(controller.plan({ by, stack: version('one'), lock: emptyLock }))
  expect(plan.timeline).toBeUndefined()
  expect((await timeline(version('one')))?.services[0]).toMatchObject({ from: null, outcome: 'succeeded' })
})

test('nothing happens where everything is as declared', async () => {
  await result(up(version('one')))
  expect(await timeline(version('one'))).toEqual({ services: [], durationMs: 0 })
})

test.each([
  ['rolling', version],
  ['canary', canary],
])('a %s takes about as long as was foretold from the first one', async (_, declared) => {
  await result(up(declared('one')))
  await result(up(declared('two')))
  const foretold = await timeline(declared('three'))
  expect(foretold?.services[0]?.assumptions[0]?.basis).toContain('starts observed')
  const beganAtMs = clock.now()
  expect(await result(up(declared('three')))).toMatchObject({ ok: true })
  const tookMs = clock.now() - beganAtMs
  expect(foretold?.durationMs).toBeGreaterThan(tookMs * 0.8)
  expect(foretold?.durationMs).toBeLessThan(tookMs * 1.2)
})

test('what runs half-way is foretold to its end', async () => {
  await result(up(canary('one')))
  const running = result(up(canary('two')))
  await clock.advance(2_000)
  const [service] = (await timeline(canary('two')))?.services ?? []
  expect(service).toMatchObject({ outcome: 'succeeded' })
  expect(service?.durationMs).toBeLessThan(5_000)
  await passing(running)
})
