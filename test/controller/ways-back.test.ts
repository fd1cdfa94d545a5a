import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceSpec } from '../../src/model/stack.ts'
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
  openWorld,
  passing,
  result,
  scope,
  stack,
  store,
  up,
} from './small-world.ts'

beforeEach(openWorld)
afterEach(() => controller.stop())

const rollback = (to?: string) => controller.rollback({ ...scope, by, ...(to !== undefined && { to }) })
/** Of the service, the newest first. */
const versions = async () => (await passing(controller.versions(scope)))[0]!.versions

/** A release of an image of its own, whose name the next one gets. */
async function release(content: string, changes: Partial<ServiceSpec> = {}): Promise<void> {
  image('web:newest', {}, content)
  const newest = stack({ image: { kind: 'reference', reference: 'web:newest' }, ...changes })
  expect(await result(up(newest))).toMatchObject({ ok: true })
  // What is kept is looked after when the command has ended.
  await clock.advance(1_000)
}

describe('images of ways back', () => {
  test('outlive their names and a clean-up, as many as the history has beside the present one', async () => {
    for (const content of ['one', 'two', 'three', 'four']) await release(content, { history: 2 })
    machine.images.prune(machine.usedImages)
    const all = await versions()
    expect(all.map(({ state, wayBack }) => wayBack ?? state)).toEqual(['current', 'cold', 'cold', 'gone'])
    expect(await result(rollback())).toMatchObject({ ok: true, services: [{ version: all[1]!.version }] })
  })

  test('that are gone are missed before anything is changed', async () => {
    for (const content of ['one', 'two', 'three']) await release(content, { history: 1 })
    const before = live()
    const [, , gone] = await versions()
    expect(await error(rollback(gone!.version))).toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect(live()).toEqual(before)
  })
})

const rehearsed = (outcome: string) => store.entries({ kinds: [`rehearsal.${outcome}`] })

/** What became of the instances of earlier versions until something is on record. */
async function statesUntil(outcome: string): Promise<ReadonlySet<string>> {
  const states = new Set<string>()
  while ((await rehearsed(outcome)).length === 0) {
    await clock.step()
    const { version, instances } = (await fleet())!
    for (const instance of instances) if (instance.version !== version) states.add(instance.state)
  }
  return states
}

describe('rehearsals', () => {
  const everyMs = 3_600_000
  const rehearsal = { everyMs }

  test('start an earlier version aside, and take it away once it got healthy', async () => {
    for (const content of ['one', 'two']) await release(content, { rehearsal })
    const serving = live()
    const beganAtMs = clock.now()
    const states = await statesUntil('passed')
    expect(clock.now() - beganAtMs).toBeGreaterThanOrEqual(everyMs - 1_000)
    expect(states).toContain('starting')
    expect(states).not.toContain('ready')
    await clock.advance(1_000)
    expect(live()).toEqual(serving)
    expect((await versions()).map((each) => each.rehearsal?.passed)).toEqual([undefined, true])
    await clock.advance(everyMs + 120_000)
    expect(await rehearsed('passed')).toHaveLength(2)
  })

  test('tell of a way back that would fail, and leave the rest as it is', async () => {
    for (const content of ['one', 'two']) await release(content, { rehearsal })
    const serving = live()
    image('web:one', { healthyAfterMs: null }, 'one')
    expect(await statesUntil('failed')).not.toContain('ready')
    await clock.advance(10_000)
    expect(live()).toEqual(serving)
    expect((await versions())[1]).toMatchObject({ state: 'proven', rehearsal: { passed: false } })
    expect(await fleet()).toMatchObject({ ready: 3 })
  })

  test('that are due while a rollout runs do not keep the controller busy', async () => {
    image('web:bad', { healthyAfterMs: null })
    void Array.fromAsync(up(stack({ image: badImage, rehearsal })))
    let steps = 0
    for (const endMs = clock.now() + 10_000; (clock.nextAtMs() ?? Infinity) <= endMs; steps++) await clock.step()
    expect(steps).toBeLessThan(200)
  })

  test('are not held where two versions must not be there at once', async () => {
    for (const content of ['one', 'two']) await release(content, { rehearsal, data: { uploads: '/data' } })
    await clock.advance(2 * everyMs)
    expect([...(await rehearsed('passed')), ...(await rehearsed('failed'))]).toEqual([])
  })
})
