/** Touched is dead, and nothing grows old: the whole controller in memory. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TouchKind } from '../../src/model/touch.ts'
import {
  by,
  clock,
  controller,
  fleet,
  image,
  live,
  machine,
  openWorld,
  passing,
  proxy,
  result,
  scope,
  stack,
  startController,
  store,
  up,
  version,
  web,
} from './small-world.ts'

beforeEach(openWorld)
afterEach(() => controller.stop())

const kindsOf = async (instance: string) => (await store.entries({ instance })).map(({ kind }) => kind)
const entriesOf = (kind: string) => store.entries({ kinds: [kind] })
const routed = () => [...proxy.servers.values()].map(({ instance }) => instance).toSorted()
const births = () => [...machine.instances].map(({ order, createdAtMs }) => `${order.name}@${createdAtMs}`)
const ten = () =>
  stack({ replicas: 10, rollout: { ...stack().services['web']!.rollout, maxSurge: { kind: 'count', count: 3 } } })

test('what is touched is out of rotation at once, isolated, captured, and destroyed, in this order', async () => {
  await result(up(stack({ standby: 1 })))
  const [victim = ''] = routed()
  const standby = live().find((name) => !routed().includes(name))
  machine.touch(victim)
  await clock.advance(0)
  expect(routed()).not.toContain(victim)
  expect(routed()).toContain(standby)
  await clock.advance(10_000)
  expect(live()).not.toContain(victim)
  expect(live()).toHaveLength(4)
  const steps = ['instance.tainted', 'unroute.done', 'isolate.done', 'capture.done', 'destroy.done']
  expect((await kindsOf(victim)).filter((kind) => steps.includes(kind))).toEqual(steps)
  const [status] = await passing(controller.status(scope))
  expect(status?.guard?.tamperToClean).toMatchObject({ count: 1 })
})

test('it is taken out before the standby comes in', async () => {
  await result(up(stack({ standby: 1 })))
  const [victim = ''] = routed()
  const before = await store.size()
  machine.touch(victim)
  await clock.advance(5_000)
  const moves = (await store.entries({ after: before - 1 })).filter(({ kind }) => /^(un)?route\.intent$/.test(kind))
  expect(moves.map(({ kind }) => kind)).toEqual(['unroute.intent', 'route.intent'])
  expect(moves[0]).toMatchObject({ instance: victim })
})

test('a touch that nobody told of is found by inspection', async () => {
  await result(up(stack()))
  const [victim = ''] = live()
  machine.reachable = false
  machine.alter(victim, { user: '0' })
  machine.reachable = true
  await clock.advance(10_000)
  expect(live()).not.toContain(victim)
  const [entry] = await entriesOf('instance.tainted')
  expect(entry).toMatchObject({ instance: victim, message: expect.stringContaining('altered (inspection)') })
})

test('its requests are cut where it was only draining', async () => {
  await result(up(version('first')))
  const picked = proxy.pick({ listen: { address: '*', port: 8080 }, host: 'shop', path: '/' })
  const busy = picked.kind === 'picked' ? picked.session.instance : ''
  const replaced = result(controller.replace({ ...scope, by, instance: busy }))
  await clock.advance(2_000)
  expect([...proxy.servers.values()].find(({ instance }) => instance === busy)?.draining).toBe(true)
  machine.touch(busy)
  await clock.advance(100)
  expect(routed()).not.toContain(busy)
  expect(await replaced).toMatchObject({ ok: true })
})

test.each([0, 1, 5, 20, 60, 200])(
  'a tainted instance is never routed to again, also when the controller dies %i ms after the touch',
  async (ms) => {
    await result(up(stack()))
    const [victim = ''] = routed()
    machine.touch(victim)
    await clock.advance(ms)
    const bornAtMs = machine.instance(victim)?.createdAtMs
    await controller.stop()
    expect(await entriesOf('instance.tainted')).toHaveLength(1)
    await startController()
    for (let look = 0; look < 200; look++) {
      const isSame = machine.instance(victim)?.createdAtMs === bornAtMs
      expect(isSame && routed().includes(victim)).toBe(false)
      await clock.advance(50)
    }
    expect((await fleet())?.ready).toBe(3)
  },
)

test('evidence that can not be had keeps nothing alive', async () => {
  await result(up(stack()))
  const [victim = ''] = live()
  machine.isUnreadable = true
  machine.touch(victim)
  await clock.advance(20_000)
  expect(live()).not.toContain(victim)
  expect(await kindsOf(victim)).toContain('evidence.missing')
})

test('three touched of one service are a call for people, and clean ones come slowly', async () => {
  await result(up(ten()))
  for (const victim of live().slice(0, 3)) {
    machine.touch(victim)
    await clock.advance(15_000)
  }
  expect(await entriesOf('escalation.began')).toHaveLength(1)
  expect((await fleet())?.escalation).toMatchObject({ message: expect.stringContaining('3 of its instances') })
  const [fourth = ''] = live()
  machine.touch(fourth)
  await clock.advance(15_000)
  expect((await fleet())?.ready).toBe(9)
  await clock.advance(10_000)
  expect((await fleet())?.ready).toBe(10)
  expect(await passing(controller.acknowledge({ ...scope, by, service: 'web', reason: 'the hole is closed' }))).toEqual(
    {
      ok: true,
      changed: true,
      escalated: ['web'],
      replaced: [],
    },
  )
  expect((await fleet())?.escalation).toBeUndefined()
})

test('a standby that is touched as it is to step in does not', async () => {
  await result(up(stack({ standby: 1 })))
  const [victim = ''] = routed()
  const standby = live().find((name) => !routed().includes(name)) ?? ''
  machine.touch(victim)
  machine.touch(standby)
  await clock.advance(60_000)
  expect(await kindsOf(standby)).not.toContain('route.done')
  expect((await fleet())?.ready).toBe(3)
})

test('three that are touched in the same moment escalate once', async () => {
  await result(up(ten()))
  for (const victim of live().slice(0, 3)) machine.touch(victim)
  await clock.advance(1_000)
  expect(await entriesOf('instance.tainted')).toHaveLength(3)
  expect(await entriesOf('escalation.began')).toHaveLength(1)
})

test('an escalation takes a running rollout back, and goes back to the version before where that is asked for', async () => {
  const guard = { escalation: { after: 2, withinMs: 600_000, action: 'rollback' } } as const
  const declare = (greeting: string) => stack({ environment: { GREETING: greeting }, replicas: 10, guard })
  await result(up(declare('first')))
  const first = (await fleet())?.version
  await result(up(declare('second')))
  for (const victim of live().slice(0, 2)) {
    machine.touch(victim)
    await clock.advance(1_000)
  }
  await clock.advance(120_000)
  expect((await fleet())?.version).toBe(first)
  expect((await fleet())?.ready).toBe(10)
})

test('an escalation gives every instance less where that is asked for, and the next decision gives it back', async () => {
  const limits = { cpuMillis: 100, pids: 8 }
  const guard = { escalation: { after: 2, withinMs: 600_000, action: 'tighten', limits } } as const
  const declared = stack({ replicas: 6, guard })
  await result(up(declared))
  const before = (await fleet())?.version
  for (const victim of live().slice(0, 4)) {
    machine.touch(victim)
    await clock.advance(30_000)
  }
  await clock.advance(900_000)
  expect((await fleet())?.ready).toBe(6)
  expect((await entriesOf('decision.up')).at(-1)).toMatchObject({
    by: 'repave',
    message: expect.stringContaining('tighter limits: escalated'),
  })
  const tight = { ...declared.services['web']?.resources, ...limits }
  for (const { order } of machine.instances) expect(order.spec.resources).toEqual(tight)
  await passing(controller.acknowledge({ ...scope, by, reason: 'seen' }))
  await result(up(declared))
  expect((await fleet())?.version).toBe(before)
})

test('the next controller knows of an escalation, and of who has ended it', async () => {
  await result(up(ten()))
  for (const victim of live().slice(0, 3)) machine.touch(victim)
  await clock.advance(20_000)
  await controller.stop()
  await startController()
  expect((await fleet())?.escalation).toBeDefined()
  await passing(controller.acknowledge({ ...scope, by, reason: 'seen' }))
  await controller.stop()
  await startController()
  expect((await fleet())?.escalation).toBeUndefined()
})

test('where a third of all looks touched at once, the sensor is suspected, and nothing more is torn down', async () => {
  await result(up(ten()))
  const names = live()
  for (const name of names) machine.touch(name)
  machine.touch(names[0] ?? '')
  await clock.advance(60_000)
  const marks = [...(await entriesOf('instance.tainted')), ...(await entriesOf('instance.cordoned'))]
  expect(new Set(marks.map(({ instance }) => instance))).toEqual(new Set(names))
  expect(marks).toHaveLength(names.length)
  expect(await entriesOf('sensor.suspected')).toHaveLength(1)
  const instances = (await fleet())?.instances ?? []
  const kept = instances.filter(({ state }) => state === 'cordoned').map(({ name }) => name)
  expect(kept).toHaveLength(7)
  const [status] = await passing(controller.status(scope))
  expect(status?.guard?.suspicion).toBeDefined()
  const answer = await passing(controller.acknowledge({ ...scope, by, reason: 'a broken rule' }))
  expect(answer.replaced.toSorted()).toEqual(kept)
  const lookedAtMs = clock.now()
  await clock.advance(400_000)
  expect([...machine.instances].filter(({ createdAtMs }) => createdAtMs < lookedAtMs - 60_000)).toEqual([])
  expect((await fleet())?.ready).toBe(10)
})

test.each<TouchKind>(['exec', 'write', 'signal'])('%s is on the record with its kind', async (kind) => {
  await result(up(stack()))
  machine.touch(live()[0]!, kind)
  await clock.advance(1_000)
  expect(await entriesOf('instance.tainted')).toMatchObject([{ message: `${kind} (events): ${kind} by someone` }])
})

test('of twenty that were born together none becomes older than two minutes, for an hour, and the floor is held', async () => {
  image('web:1', { startMs: 300, healthyAfterMs: 700, stopMs: 200 })
  await result(up(stack({ replicas: 20, lifetime: { maxMs: 120_000, jitter: 0.2 } })))
  const deaths: number[] = []
  const bornAtMs = new Map<string, number>()
  for (let second = 0; second < 3_600; second++) {
    await clock.advance(1_000)
    const present = new Map([...machine.instances].map(({ order, createdAtMs }) => [order.name, createdAtMs]))
    for (const [name, birthMs] of bornAtMs) if (present.get(name) !== birthMs) deaths.push(second)
    bornAtMs.clear()
    for (const [name, birthMs] of present) bornAtMs.set(name, birthMs)
    expect(clock.now() - Math.min(...present.values())).toBeLessThanOrEqual(120_000 + web.drainMs)
    expect(routed().length).toBeGreaterThanOrEqual(20)
  }
  // All of them, again and again, and never many at once.
  expect(deaths.length).toBeGreaterThan(20 * 30)
  const most = Math.max(...[...Map.groupBy(deaths, (second) => second).values()].map(({ length }) => length))
  expect(most).toBeLessThanOrEqual(3)
  expect(await entriesOf('instance.overdue')).toEqual([])
  expect((await fleet())?.exposureSeconds).toBeLessThanOrEqual(120)
})

test('one that can not be replaced in time is overdue, once', async () => {
  await result(up(stack({ lifetime: { maxMs: 60_000, jitter: 0 } })))
  image('web:1', { healthyAfterMs: null })
  await clock.advance(180_000)
  expect((await fleet())?.overdue).toHaveLength(3)
  expect(await entriesOf('instance.overdue')).toHaveLength(3)
  expect((await fleet())?.serving).toBe(3)
})

test('repave now replaces all, a few at a time, and goes on when the controller dies', async () => {
  await result(up(stack()))
  const before = births()
  await clock.advance(1_000)
  const client = controller.repave({ ...scope, by })[Symbol.asyncIterator]()
  await passing(client.next())
  await clock.advance(0)
  await controller.stop()
  await startController()
  await clock.advance(60_000)
  expect(births().filter((birth) => before.includes(birth))).toEqual([])
  expect((await fleet())?.ready).toBe(3)
  const after = births()
  expect(await result(controller.repave({ ...scope, by, service: 'web' }))).toMatchObject({ ok: true, changed: true })
  expect(births().filter((birth) => after.includes(birth))).toEqual([])
})
