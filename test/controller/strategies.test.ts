import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RolloutPolicy, ServiceSpec } from '../../src/model/stack.ts'
import type { SteerVerb } from '../../src/model/steering.ts'
import {
  badImage,
  by,
  clock,
  controller,
  error,
  fleet,
  image,
  live,
  machine,
  numbers,
  openWorld,
  passing,
  proxy,
  result,
  scope,
  stack,
  startController,
  store,
  up,
  web,
} from './small-world.ts'

beforeEach(openWorld)
afterEach(() => controller.stop())

const { maxSurge, maxUnavailable, deadlineMs } = web.rollout
const base = { maxSurge, maxUnavailable, deadlineMs }
const blueGreen: RolloutPolicy = { ...base, strategy: 'blueGreen', keepWarmMs: 60_000 }
const canary: RolloutPolicy = {
  ...base,
  strategy: 'canary',
  keepWarmMs: 60_000,
  steps: [{ share: 0.05, holdMs: 10_000, requests: 0 }],
}
const recreate: RolloutPolicy = {
  ...base,
  strategy: 'recreate',
  maxSurge: { kind: 'count', count: 0 },
  maxUnavailable: { kind: 'share', share: 1 },
}
const greeting = (words: string, rollout: RolloutPolicy, changes: Partial<ServiceSpec> = {}) =>
  stack({ environment: { GREETING: words }, rollout, ...changes })
const target = { listen: { address: '*', port: 8080 }, host: 'shop.test', path: '/' } as const

/** Which versions answer so many requests, by their first digits. */
function answers(count = 1_000): Readonly<Record<string, number>> {
  const seen: Record<string, number> = {}
  for (let index = 0; index < count; index++) {
    const pick = proxy.pick(target)
    if (pick.kind !== 'picked') throw new Error(pick.kind)
    pick.session.end()
    const version = pick.session.instance.split('-').at(-2)!
    seen[version] = (seen[version] ?? 0) + 1
  }
  return seen
}

const steer = (verb: SteerVerb) => result(controller.steer({ ...scope, verb, by }))
const newest = async (service: string, kind: string) =>
  (await store.entries({ service, kinds: [kind] })).at(-1)!.sequence
const digits = async () => (await fleet())!.version!.split('@')[1]!
const states = async () => Object.groupBy((await fleet())!.instances, ({ state }) => state)

describe('blue/green', () => {
  test('gives all requests to the new fleet at once, and keeps the old one warm for its time', async () => {
    await result(up(greeting('one', blueGreen)))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', blueGreen)))
    await clock.advance(100)
    expect(answers()).toEqual({ [old]: 1_000 })
    expect((await passing(rollout)).at(-1)).toMatchObject({
      result: { ok: true, services: [{ ready: 3, serving: 3 }] },
    })
    const fresh = await digits()
    expect(answers()).toEqual({ [fresh]: 1_000 })
    expect(await states()).toMatchObject({ ready: { length: 3 }, warm: { length: 3 } })
    expect((await controller.drift(scope)).findings).toEqual([])
    expect((await controller.versions(scope))[0]!.versions.map(({ wayBack }) => wayBack)).toEqual([undefined, 'warm'])
    await clock.advance(61_000)
    expect(live()).toHaveLength(3)
    expect(answers()).toEqual({ [fresh]: 1_000 })
  })

  test('goes back to a warm fleet without making an instance', async () => {
    await result(up(greeting('one', blueGreen)))
    const old = await digits()
    await result(up(greeting('two', blueGreen)))
    const before = live()
    const beganAtMs = clock.now()
    expect(await result(controller.rollback({ ...scope, by }))).toMatchObject({ ok: true })
    expect(clock.now() - beganAtMs).toBeLessThan(100)
    expect(await digits()).toBe(old)
    expect(answers()).toEqual({ [old]: 1_000 })
    expect(live()).toEqual(before)
  })

  test('survives its controller at any stage', async () => {
    await result(up(greeting('one', blueGreen)))
    const client = new AbortController()
    const rollout = Array.fromAsync(
      controller.up(
        { stack: greeting('two', blueGreen), lock: { lockVersion: 1, references: {}, builds: {} }, by },
        client.signal,
      ),
    )
    await clock.advance(150)
    await passing(controller.stop())
    rollout.catch(() => {})
    await startController()
    await clock.advance(5_000)
    expect(await fleet()).toMatchObject({ ready: 3, warm: { version: expect.any(String) } })
    await passing(controller.stop())
    await startController()
    expect(await fleet()).toMatchObject({ ready: 3, warm: { version: expect.any(String) } })
  })

  test('that never gets ready leaves every request to the old fleet', async () => {
    image('web:bad', { healthyAfterMs: null })
    await result(up(greeting('one', blueGreen)))
    const old = await digits()
    expect(await result(up(stack({ image: badImage, rollout: blueGreen })))).toMatchObject({ code: 'ROLLOUT_ABORTED' })
    expect(answers()).toEqual({ [old]: 1_000 })
    expect(live()).toHaveLength(3)
  })
})

describe('canary', () => {
  test('gives its exact share while the stage is held, and then all', async () => {
    await result(up(greeting('one', canary)))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', canary)))
    await clock.advance(5_000)
    const fresh = await digits()
    expect(answers()).toEqual({ [old]: 950, [fresh]: 50 })
    const stage = { strategy: 'canary', stage: { number: 1, of: 2 }, share: 5 }
    expect(await fleet()).toMatchObject({ rollout: stage })
    const told = await passing(rollout)
    expect(told.at(-1)).toMatchObject({ result: { ok: true } })
    expect(told).toContainEqual({
      kind: 'fleet',
      services: [expect.objectContaining({ rollout: expect.objectContaining(stage) })],
    })
    expect(answers()).toEqual({ [fresh]: 1_000 })
  })

  test('that answers with errors is taken back, and nobody beyond its share has seen it', async () => {
    const strict: RolloutPolicy = {
      ...canary,
      ...(canary.strategy === 'canary' && { steps: [{ share: 0.05, holdMs: 10_000, requests: 100 }] }),
      verdict: { windowMs: 0, requests: 0, errors: true },
    }
    await result(up(greeting('one', strict)))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', strict)))
    await clock.advance(2_000)
    const fresh = await digits()
    let seen = 0
    for (let second = 0; second < 20 && (await fleet())?.rollout?.state === 'running'; second++) {
      for (let index = 0; index < 500; index++) {
        const pick = proxy.pick(target)
        if (pick.kind === 'picked')
          pick.session.end(pick.session.instance.includes(fresh) && seen++ % 5 === 0 ? 500 : 200)
      }
      await clock.advance(1_000)
    }
    const failed = (await passing(rollout)).at(-1)
    expect(failed).toMatchObject({
      result: {
        ok: false,
        code: 'ROLLOUT_ABORTED',
        message: expect.stringMatching(/errors: \d+ of \d+ answers failed/),
      },
    })
    expect(answers()).toEqual({ [old]: 1_000 })
  })

  test('goes back in one stage, and status says so', async () => {
    await result(up(greeting('one', canary)))
    await result(up(greeting('two', canary)))
    await clock.advance(61_000)
    const back = Array.fromAsync(controller.rollback({ ...scope, by }))
    await clock.advance(100)
    expect(await fleet()).toMatchObject({ rollout: { stage: { number: 1, of: 1 }, share: 0 } })
    expect((await passing(back)).at(-1)).toMatchObject({ result: { ok: true } })
  })

  test('of a first version, which there is nothing to compare with, needs no answers', async () => {
    const strict: RolloutPolicy = { ...canary, verdict: { windowMs: 5_000, requests: 100, errors: true } }
    expect(await result(up(greeting('one', strict)))).toMatchObject({ ok: true })
  })

  test('without figures is never a pass', async () => {
    const strict = { ...canary, steps: [{ share: 0.05, holdMs: 1_000, requests: 100 }] } as RolloutPolicy
    await result(up(greeting('one', strict)))
    const failed = await result(up(greeting('two', strict)))
    expect(failed).toMatchObject({ code: 'ROLLOUT_ABORTED' })
    expect(failed.message).toContain('it gave 0 answers, and 100 are needed')
  })

  test('has to keep within the limits of its gates, and is taken back where they say nothing', async () => {
    const prometheus = [{ name: 'queue', url: 'http://prometheus:9090', query: 'queue_length', max: 100 }]
    const gated: RolloutPolicy = {
      ...canary,
      deadlineMs: 5_000,
      verdict: { windowMs: 0, requests: 0, errors: false, prometheus },
    }
    numbers.set('queue_length', 10)
    await result(up(greeting('one', gated)))
    expect(await result(up(greeting('two', gated)))).toMatchObject({ ok: true })
    numbers.set('queue_length', 250)
    const worse = await result(up(greeting('three', gated)))
    expect(worse).toMatchObject({ ok: false, message: expect.stringContaining('queue: 250 is more than 100') })
    numbers.clear()
    const unknown = await result(up(greeting('four', gated)))
    expect(unknown).toMatchObject({ ok: false, message: expect.stringContaining('queue: there are no data') })
  })

  test('is superseded by another version, which begins at its own first stage', async () => {
    await result(up(greeting('one', canary)))
    const old = await digits()
    const first = Array.fromAsync(up(greeting('two', canary)))
    await clock.advance(5_000)
    const second = Array.fromAsync(up(greeting('three', canary)))
    await clock.advance(5_000)
    const third = await digits()
    expect(answers()).toEqual({ [old]: 950, [third]: 50 })
    expect((await passing(second)).at(-1)).toMatchObject({ result: { ok: true } })
    expect((await passing(first)).at(-1)).toMatchObject({ result: { code: 'ROLLOUT_SUPERSEDED' } })
    expect(live().filter((name) => !name.includes(old) && !name.includes(third))).toEqual([])
  })
})

test('recreate never has two versions at once', async () => {
  await result(up(greeting('one', recreate)))
  const old = await digits()
  const rollout = Array.fromAsync(up(greeting('two', recreate)))
  let most = 0
  for (let step = 0; step < 400; step++) {
    await clock.advance(5)
    most = Math.max(most, new Set(live().map((name) => name.split('-').at(-2))).size)
  }
  expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true, services: [{ ready: 3 }] } })
  expect(most).toBe(1)
  expect(await digits()).not.toBe(old)
})

describe('steering', () => {
  test('a paused rollout stays as it is until it is resumed', async () => {
    await result(up(greeting('one', canary)))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', canary)))
    await clock.advance(5_000)
    const fresh = await digits()
    expect(await steer('pause')).toMatchObject({ ok: true, changed: true })
    expect(await steer('pause')).toMatchObject({ ok: true, changed: false })
    await clock.advance(600_000)
    expect(answers()).toEqual({ [old]: 950, [fresh]: 50 })
    expect(await fleet()).toMatchObject({ rollout: { pausedAt: expect.any(String) } })
    await steer('resume')
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true } })
  })

  test('a pause that lasts too long is taken back, and told', async () => {
    await result(up(greeting('one', { ...canary, maxPauseMs: 30_000 })))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', { ...canary, maxPauseMs: 30_000 })))
    await clock.advance(5_000)
    await steer('pause')
    const last = (await passing(rollout)).at(-1)
    expect(last).toMatchObject({ result: { code: 'ROLLOUT_ABORTED' } })
    expect(last).toMatchObject({ result: { message: expect.stringContaining('it was paused for longer than 30 s') } })
    expect(answers()).toEqual({ [old]: 1_000 })
  })

  test('a paused rolling replacement keeps what it has of either version', async () => {
    await result(up(greeting('one', web.rollout)))
    const rollout = Array.fromAsync(up(greeting('two', web.rollout)))
    await clock.advance(400)
    await steer('pause')
    await clock.advance(30_000)
    const paused = live()
    expect(new Set(paused.map((name) => name.split('-').at(-2))).size).toBe(2)
    await clock.advance(60_000)
    expect(live()).toEqual(paused)
    await steer('resume')
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true } })
  })

  test('promote goes to the end without waiting', async () => {
    await result(up(greeting('one', canary)))
    const rollout = Array.fromAsync(up(greeting('two', canary)))
    await clock.advance(2_000)
    const beganAtMs = clock.now()
    await steer('promote')
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true } })
    expect(clock.now() - beganAtMs).toBeLessThan(5_000)
  })

  test('an abort is final, and on the record with its author', async () => {
    await result(up(greeting('one', canary)))
    const old = await digits()
    const rollout = Array.fromAsync(up(greeting('two', canary)))
    await clock.advance(5_000)
    expect(await steer('abort')).toMatchObject({ ok: true, changed: true })
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { code: 'ROLLOUT_ABORTED' } })
    await clock.advance(120_000)
    expect(answers()).toEqual({ [old]: 1_000 })
    expect(live()).toHaveLength(3)
    expect(await store.entries({ kinds: ['decision.abort'] })).toMatchObject([{ by }])
    expect(
      await error(controller.steer({ ...scope, verb: 'abort', by })).catch((reason: unknown) => reason),
    ).toMatchObject({ code: 'NO_ROLLOUT' })
  })
})

describe('standby', () => {
  test('is healthy and out of rotation, and steps in when an instance dies', async () => {
    await result(up(stack({ standby: 1 })))
    expect(await states()).toMatchObject({ ready: { length: 3 }, standby: { length: 1 } })
    expect((await controller.drift(scope)).findings).toEqual([])
    const [standby] = (await states()).standby!
    const [dead] = (await states()).ready!
    machine.die(dead!.name)
    await clock.advance(100)
    expect(await states()).toMatchObject({ ready: { length: 3 } })
    expect((await states()).ready!.map(({ name }) => name)).toContain(standby!.name)
    await clock.advance(5_000)
    expect(await states()).toMatchObject({ ready: { length: 3 }, standby: { length: 1 } })
  })

  test('counts towards the surge of a rollout', async () => {
    const standby = { standby: 1 } as const
    await result(up(stack(standby)))
    const rollout = Array.fromAsync(up(greeting('two', web.rollout, standby)))
    let most = 0
    for (let step = 0; step < 1_000; step++) {
      await clock.advance(5)
      const working = [...machine.instances].filter(({ process }) => process && !process.terminated && !process.exit)
      most = Math.max(most, working.length)
    }
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true } })
    expect(most).toBe(4)
    expect(await states()).toMatchObject({ ready: { length: 3 }, standby: { length: 1 } })
  })
})

describe('order across services', () => {
  const api: ServiceSpec = { ...web, routes: [], environment: {} }
  const both = (words: string, changes: Partial<ServiceSpec> = {}, rollback?: 'service') => ({
    ...scope,
    services: {
      web: { ...web, environment: { GREETING: words }, dependsOn: ['api'], ...changes },
      api: { ...api, environment: { GREETING: words } },
    },
    ...(rollback && { rollback }),
  })

  test('a service waits until what it depends on is rolled out', async () => {
    await result(up(both('one')))
    const rollout = Array.fromAsync(up(both('two')))
    await clock.advance(100)
    const status = (await controller.status({}))[0]!.services
    expect(status.find(({ service }) => service === 'web')?.rollout).toMatchObject({ waitsFor: ['api'] })
    expect((await passing(rollout)).at(-1)).toMatchObject({ result: { ok: true } })
    expect(await newest('api', 'rollout.succeeded')).toBeLessThan(await newest('web', 'create.intent'))
  })

  test('a failed one takes back all that was decided with it, unless the stack says otherwise', async () => {
    image('web:bad', { healthyAfterMs: null })
    await result(up(both('one')))
    const before = (await controller.status({}))[0]!.services.map(({ version }) => version)
    expect(await result(up(both('two', { image: badImage })))).toMatchObject({ code: 'ROLLOUT_ABORTED' })
    expect((await controller.status({}))[0]!.services.map(({ version }) => version)).toEqual(before)
    expect(await result(up(both('three', { image: badImage }, 'service')))).toMatchObject({ code: 'ROLLOUT_ABORTED' })
    const after = (await controller.status({}))[0]!.services.map(({ version }) => version)
    expect(after[1]).toBe(before[1])
    expect(after[0]).not.toBe(before[0])
  })
})
