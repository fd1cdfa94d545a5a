import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { InstanceOrder } from '../../src/engine/engine.ts'
import { MemoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { RepaveError } from '../../src/errors.ts'
import { emptyLock } from '../../src/image/lock.ts'
import type { ProgressReport } from '../../src/model/report.ts'
import type { Scope, ServiceSpec, Stack } from '../../src/model/stack.ts'
import type { Store } from '../../src/store/store.ts'
import {
  badImage,
  by,
  clock,
  controller,
  engine,
  error,
  fleet,
  image,
  live,
  machine,
  noRoom,
  openWorld,
  passing,
  proxy,
  result,
  scope,
  stack,
  startController,
  store,
  superseded,
  up,
  version,
  wall,
  web,
} from './small-world.ts'

beforeEach(openWorld)
afterEach(() => controller.stop())

const webAndApi = (web2: ServiceSpec, api: ServiceSpec): Stack => ({ ...scope, services: { web: web2, api } })

describe('up', () => {
  test('brings a fleet into service, and does nothing the second time', async () => {
    expect(await result(up(stack()))).toMatchObject({
      ok: true,
      changed: true,
      services: [{ service: 'web', ready: 3 }],
    })
    const before = live()
    expect(before).toHaveLength(3)
    expect(await result(up(stack()))).toMatchObject({ ok: true, changed: false })
    expect(live()).toEqual(before)
  })

  test('records what a failed rollout is to take back, and replaces nothing for it', async () => {
    await result(up(stack()))
    const before = live()
    const alone: Stack = { ...stack(), rollback: 'service' }
    expect(await result(up(alone))).toMatchObject({ ok: true, services: [{ service: 'web', ready: 3 }] })
    expect(await store.currentReleases()).toMatchObject([{ release: { rollback: 'service' } }])
    expect(await result(up(alone))).toMatchObject({ ok: true, changed: false })
    expect(live()).toEqual(before)
  })

  test('replaces every instance when a line changed', async () => {
    await result(up(version('one')))
    const before = live()
    expect(await result(up(version('two')))).toMatchObject({ ok: true, changed: true })
    expect(live()).toHaveLength(3)
    expect(live().filter((name) => before.includes(name))).toEqual([])
  })

  test('has nothing to do where only the name of the image changed', async () => {
    await result(up(stack()))
    const before = live()
    image('web:stable', {}, 'web:1')
    const renamed = stack({ image: { kind: 'reference', reference: 'web:stable' } })
    expect(await result(up(renamed))).toMatchObject({ ok: true, changed: false })
    expect(live()).toEqual(before)
  })

  test('counts as ready what runs the new version, and tells what serves', async () => {
    await result(up(version('one')))
    const stream = up(stack({ environment: { GREETING: 'two' }, image: { kind: 'reference', reference: 'web:slow' } }))
    image('web:slow', { healthyAfterMs: 3_000 })
    const rest = Array.fromAsync(stream)
    await clock.advance(1_000)
    expect(await fleet()).toMatchObject({ desired: 3, ready: 0, serving: 3 })
    await passing(rest)
    expect(await fleet()).toMatchObject({ desired: 3, ready: 3, serving: 3 })
  })

  test('takes the place of another one that is on its way', async () => {
    const first = Array.fromAsync(up(version('one')))
    await clock.advance(50)
    expect(await result(up(version('two')))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
    expect((await passing(first)).at(-1)).toMatchObject(superseded('up'))
    expect(live()).toHaveLength(3)
  })

  test('of a service that is left out takes it away with its route', async () => {
    await result(up({ ...scope, services: { web, api: { ...web, routes: [] } } }))
    await result(up({ ...scope, services: { web } }))
    expect(live().every((name) => name.includes('-web-'))).toBe(true)
    expect(live()).toHaveLength(3)
  })

  test('refuses a route that another environment has, and changes nothing', async () => {
    await result(up(stack()))
    const other = { ...stack(), environment: 'staging' }
    expect(await error(up(other))).toMatchObject({ code: 'ROUTE_TAKEN' })
    expect(await store.currentRelease({ ...scope, environment: 'staging' })).toBeUndefined()
  })

  test('of two environments that want one route at once takes one', async () => {
    const both = [up(stack()), up({ ...stack(), environment: 'staging' })].map((stream) => Array.fromAsync(stream))
    const ends = (await passing(Promise.all(both))).map((all) => all.at(-1))
    expect(ends).toMatchObject([
      { kind: 'result', result: { ok: true } },
      { kind: 'error', error: { code: 'ROUTE_TAKEN' } },
    ])
    expect(await store.currentRelease({ ...scope, environment: 'staging' })).toBeUndefined()
  })

  test('of an unknown image changes nothing', async () => {
    await result(up(stack()))
    const before = live()
    expect(await error(up(stack({ image: { kind: 'reference', reference: 'nowhere:1' } })))).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
    expect(live()).toEqual(before)
  })
})

describe('a rollout that gets nowhere', () => {
  const bad = stack({ image: badImage })
  let client: AbortController
  let first: Promise<ProgressReport[]>

  beforeEach(async () => {
    image('web:bad', { healthyAfterMs: null })
    await result(up(stack()))
    client = new AbortController()
    first = Array.fromAsync(controller.up({ stack: bad, lock: emptyLock, by: 'eve' }, client.signal))
    await clock.advance(1_000)
  })

  test('gives way to another up', async () => {
    const beganAtMs = clock.now()
    expect(await result(up(version('mended')))).toMatchObject({ ok: true, changed: true, services: [{ ready: 3 }] })
    expect(clock.now() - beganAtMs).toBeLessThan(20_000)
    expect((await first).at(-1)).toMatchObject(superseded('up'))
  })

  test.each(['rollback', 'down'] as const)('gives way to %s at any time', async (command) => {
    const beganAtMs = clock.now()
    expect(await result(controller[command]({ ...scope, by }))).toMatchObject({ ok: true, changed: true })
    expect(clock.now() - beganAtMs).toBeLessThan(20_000)
    expect((await first).at(-1)).toMatchObject(superseded(command))
    expect(live()).toHaveLength(command === 'down' ? 0 : 3)
  })

  test('is not ended by a command that could not be taken', async () => {
    expect(await error(controller.rollback({ ...scope, to: 'web@ffffffff', by }))).toMatchObject({
      code: 'VERSION_UNKNOWN',
    })
    expect((await passing(first)).at(-1)).toMatchObject({ result: { code: 'ROLLOUT_ABORTED' } })
  })

  test('is no success for whoever asks for the same again', async () => {
    client.abort()
    expect(await result(up(bad))).toMatchObject({ ok: false, changed: false, code: 'ROLLOUT_ABORTED' })
    expect((await first).at(-1)).toMatchObject({ result: { code: 'ROLLOUT_ABORTED' } })
  })

  test('refuses replace, and a command while another one prepares', async () => {
    client.abort()
    expect(await error(controller.replace({ ...scope, instance: live()[0]!, by }))).toMatchObject({
      code: 'ROLLOUT_RUNNING',
      hint: expect.stringContaining('repave rollback'),
    })
    const prepare = engine.prepare.bind(engine)
    const slowly: MemoryEngine['prepare'] = (request) => clock.sleep(500).then(() => prepare(request))
    Object.assign(engine, { prepare: slowly })
    const second = Array.fromAsync(up(version('mended')))
    await clock.advance(100)
    expect(await error(controller.down({ ...scope, by }))).toMatchObject({
      code: 'ROLLOUT_RUNNING',
      hint: expect.stringContaining('still preparing'),
    })
    expect((await passing(second)).at(-1)).toMatchObject({ result: { ok: true } })
  })
})

test('a service may have the name of what every object has', async () => {
  await result(up(stack()))
  expect(await result(up({ ...scope, services: { constructor: web } }))).toMatchObject({ ok: true })
  const changed = { ...web, environment: { constructor: 'two' } }
  expect(await result(up({ ...scope, services: { constructor: changed } }))).toMatchObject({ ok: true })
  expect(await result(controller.rollback({ ...scope, service: 'constructor', by }))).toMatchObject({ ok: true })
  expect(live()).toEqual([1, 2, 3].map((n) => expect.stringMatching(`^shop-production-constructor-.{8}-${n}$`)))
})

describe('a version that does not serve', () => {
  test('is taken back when it never becomes healthy; the survivors are kept', async () => {
    image('web:bad', { healthyAfterMs: null, says: [{ stream: 'stderr', text: 'no database' }] })
    await result(up(stack()))
    const before = live()
    const failed = await result(up(stack({ image: badImage })))
    expect(failed).toMatchObject({ ok: false, code: 'ROLLOUT_ABORTED', logs: ['no database'] })
    expect(failed.message).toContain('no further instance became ready within 20 s; 0 of 3 are')
    expect(live()).toEqual(before)
    expect(await fleet()).toMatchObject({ ready: 3, rollout: { state: 'aborted' } })
  })

  test('is taken back without waiting for the deadline when its instances die', async () => {
    image('web:bad', { exit: { afterMs: 50, code: 3 }, says: [{ stream: 'stderr', text: 'bad flag' }] })
    await result(up(stack()))
    const beganAtMs = clock.now()
    const failed = await result(up(stack({ image: badImage })))
    expect(failed).toMatchObject({ ok: false, logs: ['bad flag'] })
    expect(failed.message).toMatch(/3 instances ended before they were ready .*exited with code 3/)
    expect(clock.now() - beganAtMs).toBeLessThan(20_000)
    expect((await fleet())?.ready).toBe(3)
  })

  test('is taken back at once when the engine cannot run it', async () => {
    image('web:bad', { cannotRun: 'exec /web: no such file' })
    await result(up(stack()))
    expect((await result(up(stack({ image: badImage })))).message).toContain('no such file')
    expect((await fleet())?.ready).toBe(3)
  })

  test('leaves nothing behind where nothing ran before', async () => {
    image('web:bad', { healthyAfterMs: null })
    expect(await result(up(stack({ image: badImage })))).toMatchObject({ ok: false, code: 'ROLLOUT_ABORTED' })
    expect(live()).toEqual([])
  })
})

test('a fleet that does not come to rest is not called done', async () => {
  await result(up(stack({ replicas: 1 })))
  await clock.advance(30_000)
  image('web:1', { exit: { afterMs: 100, code: 7 } })
  machine.die(live()[0]!)
  await clock.advance(5_000)
  expect(await result(up(stack({ replicas: 1 })))).toMatchObject({
    ok: false,
    code: 'NOT_SETTLED',
    message: expect.stringContaining('web has 0 of 1 ready'),
  })
})

describe('rollback', () => {
  test('goes to the version before, and keeps the number of replicas', async () => {
    await result(up(version('one')))
    const [first] = (await controller.versions(scope, 'web'))[0]!.versions
    await result(up(stack({ environment: { GREETING: 'two' }, replicas: 5 })))
    const back = await result(controller.rollback({ ...scope, by }))
    expect(back).toMatchObject({ ok: true, services: [{ version: first!.version, ready: 5 }] })
  })

  test('leaves a service as it is that the last change did not concern', async () => {
    const [webTwo, api] = [
      { ...web, environment: { GREETING: 'two' } },
      { ...web, routes: [] },
    ]
    await result(up(webAndApi(web, { ...api, environment: { GREETING: 'old' } })))
    const before = await result(up(webAndApi(web, api)))
    await result(up(webAndApi(webTwo, api)))
    const back = await result(controller.rollback({ ...scope, by }))
    expect(back?.services.map(({ version: id }) => id)).toEqual(before?.services.map(({ version: id }) => id))
  })

  test('to a named version', async () => {
    await result(up(version('one')))
    const first = (await fleet())!.version!
    await result(up(version('two')))
    await result(up(version('three')))
    expect(await result(controller.rollback({ ...scope, to: first, by }))).toMatchObject({
      services: [{ version: first }],
    })
    expect(await error(controller.rollback({ ...scope, to: 'web@ffffffff', by }))).toMatchObject({
      code: 'VERSION_UNKNOWN',
    })
  })

  test('concerns the services that there are; one that was removed comes back where it is named', async () => {
    await result(up({ ...scope, services: { web, api: { ...web, routes: [] } } }))
    await result(up(version('two')))
    const back = await result(controller.rollback({ ...scope, by }))
    expect(back).toMatchObject({ ok: true, services: [{ service: 'web', ready: 3 }] })
    expect(live().filter((name) => name.includes('-api-'))).toEqual([])
    const named = await result(controller.rollback({ ...scope, service: 'api', by }))
    expect(named).toMatchObject({ ok: true, services: [{ service: 'api', ready: 3 }, { service: 'web' }] })
  })

  test('of a service whose route another one has is refused in the words of people', async () => {
    const routed: ServiceSpec = { ...web, routes: [{ listen: { address: '*', port: 8081 }, path: '/' }] }
    await result(up({ ...scope, services: { web, api: routed } }))
    await result(up({ ...scope, services: { web: { ...web, environment: { GREETING: 'two' } }, api2: routed } }))
    expect(await result(controller.rollback({ ...scope, by }))).toMatchObject({ ok: true, changed: true })
    expect(await error(controller.rollback({ ...scope, service: 'api', by }))).toMatchObject({
      code: 'ROUTE_TAKEN',
      message: 'service api: the route http://localhost:8081/ belongs to shop/production/api2',
    })
  })

  test('never goes to a version that failed', async () => {
    image('web:bad', { healthyAfterMs: null })
    await result(up(stack()))
    await result(up(stack({ image: badImage })))
    expect(await error(controller.rollback({ ...scope, by }))).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK' })
  })
})

test('replace puts a clean instance in the place of one, and keeps the others', async () => {
  await result(up(stack()))
  const before = live()
  expect(await result(controller.replace({ ...scope, instance: before[0]!, by }))).toMatchObject({ ok: true })
  expect(live()).toHaveLength(3)
  expect(live().filter((name) => before.includes(name))).toEqual(before.slice(1))
  expect(await error(controller.replace({ ...scope, instance: 'web-99', by }))).toMatchObject({
    code: 'INSTANCE_UNKNOWN',
  })
})

test('down leaves nothing but history', async () => {
  await result(up(stack()))
  expect(await result(controller.down({ ...scope, by }))).toMatchObject({ ok: true })
  expect(live()).toEqual([])
  expect(machine.scopes('controller')).toEqual([])
  expect(await controller.status({})).toEqual([])
  expect((await controller.versions(scope))[0]?.versions).toHaveLength(1)
  expect(controller.isIdle()).toBe(true)
})

test('down waits for what is still being made', async () => {
  const create = engine.create.bind(engine)
  Object.assign(engine, { create: (order: InstanceOrder) => clock.sleep(5_000).then(() => create(order)) })
  const begun = Array.fromAsync(up(stack()))
  await clock.advance(1_000)
  expect(await result(controller.down({ ...scope, by }))).toMatchObject({ ok: true })
  expect(await passing(begun)).toBeDefined()
  await clock.advance(10_000)
  const effects = await store.entries({ kinds: ['create.done', 'decision.down', 'retire.intent'] })
  expect(effects.map(({ kind }) => kind)).toEqual(['decision.down', ...Array(3).fill('create.done'), 'retire.intent'])
  expect(live()).toEqual([])
  expect(machine.scopes('controller')).toEqual([])
})

test('down lets data stay until somebody says otherwise, who is on the record', async () => {
  await result(up(stack({ data: { files: '/data' } })))
  await result(controller.down({ ...scope, by }))
  expect(await result(controller.down({ ...scope, by, data: true }))).toMatchObject({ ok: true, changed: true })
  expect(await store.entries({ kinds: ['decision.discard'] })).toMatchObject([{ by }])
  expect(await result(controller.down({ ...scope, by, data: true }))).toMatchObject({ ok: true, changed: false })
})

describe('down of what takes its whole drain time to end', () => {
  const slow = stack({ image: { kind: 'reference', reference: 'web:stubborn' }, drainMs: 30_000 })
  const retired = async (workMs: number) => {
    const retire = engine.retire.bind(engine)
    Object.assign(engine, { retire: async (ended: Scope) => clock.sleep(workMs).then(() => retire(ended)) })
    image('web:stubborn', { stopMs: null })
    await result(up(slow))
    return result(controller.down({ ...scope, by }))
  }

  test('waits for its network too', async () => {
    expect(await retired(2_000)).toMatchObject({ ok: true })
  })

  test('says what is left when nothing runs any more', async () => {
    expect(await retired(300_000)).toMatchObject({
      code: 'NOT_SETTLED',
      message: 'shop/production has not come to rest: its network is being removed',
    })
  })
})

test('an instance that dies is replaced at once; a crash loop gets growing delays and says so', async () => {
  await result(up(stack({ replicas: 1 })))
  const [first] = live()
  await clock.advance(30_000)
  image('web:1', { exit: { afterMs: 100, code: 7 } })
  machine.die(first!)
  await clock.advance(50)
  expect(live()).toHaveLength(1)
  expect(live()).not.toContain(first)
  await clock.advance(20_000)
  expect(await fleet()).toMatchObject({ ready: 0, backoff: { lastExit: 'exited with code 7' } })
  expect((await fleet())!.backoff!.failures).toBeGreaterThan(3)
  image('web:1')
  await clock.advance(60_000)
  expect((await fleet())?.ready).toBe(1)
  expect((await fleet())?.backoff).toBeUndefined()
})

test('a fleet that could not run for a while comes back when it can', async () => {
  await result(up(stack({ replicas: 1 })))
  await clock.advance(30_000)
  image('web:1', { cannotRun: 'no such device' })
  machine.die(live()[0]!)
  await clock.advance(10_000)
  expect(await fleet()).toMatchObject({ ready: 0, backoff: { lastExit: expect.stringContaining('no such device') } })
  image('web:1')
  await clock.advance(90_000)
  expect((await fleet())?.ready).toBe(1)
  expect(live()).toEqual([expect.stringMatching(/-1$/)])
})

test.each([86_400_000, -86_400_000])('a wall clock that jumps by %i ms costs nothing', async (byMs) => {
  image('web:slow', { startMs: 2_000, healthyAfterMs: 3_000 })
  const answer = Array.fromAsync(up(stack({ image: { kind: 'reference', reference: 'web:slow' } })))
  await clock.advance(100)
  machine.reachable = false
  await clock.advance(3_000)
  wall.offsetMs = byMs
  machine.reachable = true
  expect((await passing(answer)).at(-1)).toMatchObject({ result: { ok: true } })
})

test('the next controller finds everything as it was, and goes on with what was begun', async () => {
  await result(up(version('one')))
  const stream = up(version('two'))[Symbol.asyncIterator]()
  void stream.next()
  await clock.advance(400)
  await controller.stop()
  await startController()
  await clock.advance(60_000)
  expect(await fleet()).toMatchObject({ ready: 3, desired: 3 })
  expect(new Set((await fleet())?.instances.map((each) => each.version)).size).toBe(1)
  expect(live()).toHaveLength(3)
})

test('a version that served is proven, also when the controller dies as its rollout succeeds', async () => {
  await result(up(version('one')))
  const whole = { ...store }
  const dying = async (...ended: Parameters<Store['endRollout']>) => {
    await whole.endRollout(...ended)
    return new Promise<void>(() => {})
  }
  Object.assign(store, { endRollout: dying })
  void Array.fromAsync(up(version('two')))
  await clock.advance(60_000)
  Object.assign(store, whole)
  await startController()
  const second = (await fleet())!.version!
  await result(up(version('three')))
  expect(await result(controller.rollback({ ...scope, by }))).toMatchObject({ services: [{ version: second }] })
})

test('the next controller keeps the floor of a fleet that nothing is routed to', async () => {
  const worker = { routes: [], health: { ...web.health, kind: 'process' } } as const
  await result(up(stack(worker)))
  void Array.fromAsync(up(stack({ ...worker, environment: { GREETING: 'two' } })))
  await clock.advance(1)
  await controller.stop()
  await startController()
  let fewest = Infinity
  for (const endMs = clock.now() + 60_000; clock.now() < endMs && (await clock.step());)
    fewest = Math.min(fewest, [...machine.instances].filter(({ process }) => process && !process.terminated).length)
  expect(fewest).toBe(3)
  expect(await fleet()).toMatchObject({ ready: 3, desired: 3 })
})

test('what cannot be recorded is not done, and all goes on when there is room again', async () => {
  await result(up(version('one')))
  const before = live()
  const whole = { ...store }
  Object.assign(store, { append: noRoom, decide: noRoom, saveVersion: noRoom, endRollout: noRoom })
  expect(await error(up(version('two')))).toMatchObject({ code: 'DISK_FULL' })
  expect(await error(controller.down({ ...scope, by }))).toMatchObject({ code: 'DISK_FULL' })
  await clock.advance(30_000)
  expect(live()).toEqual(before)
  machine.die(before[0]!)
  await clock.advance(30_000)
  Object.assign(store, whole)
  await clock.advance(60_000)
  expect(await fleet()).toMatchObject({ ready: 3 })
  expect(await result(up(version('two')))).toMatchObject({ ok: true, changed: true })
})

test('a decision stands, also when nobody can read how it ended', async () => {
  const whole = { ...store }
  Object.assign(store, { rollouts: noRoom })
  expect(await result(up(version('one')))).toMatchObject({ ok: false, changed: true, code: 'DISK_FULL' })
  Object.assign(store, whole)
  expect(await result(up(version('one')))).toMatchObject({ ok: true, changed: false })
})

test('an instance that someone removes before it is started does not speak against its version', async () => {
  let removed = ''
  machine.listen('controller', (event) => {
    if (event.kind === 'changed' && event.action === 'create' && !removed) machine.remove((removed = event.instance))
  })
  expect(await result(up(stack()))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
  expect(live()).toContain(removed)
})

test('a record that can not be written does not speak against a version', async () => {
  const whole = { ...store }
  let failures = 2
  const broken = new RepaveError('STORE_FAILED', 'the store is broken', { hint: 'mend it' })
  const append: Store['append'] = (entry) =>
    entry.kind === 'create.intent' && failures-- > 0 ? Promise.reject(broken) : whole.append(entry)
  Object.assign(store, { append })
  expect(await result(up(stack()))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
})

test('an engine that this controller never saw is a problem, and does not hide what was decided', async () => {
  await result(up(stack()))
  await controller.stop()
  machine.reachable = false
  await startController()
  const [status] = await controller.status({})
  expect(status).toMatchObject({
    services: [{ service: 'web', version: expect.stringMatching(/^web@/), desired: 3, ready: 0, serving: 0 }],
    routes: [{ service: 'web' }],
    problems: [{ code: 'ENGINE_UNREACHABLE' }],
  })
  await expect(passing(controller.drift(scope))).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  expect(await error(controller.replace({ ...scope, instance: live()[0]!, by }))).toMatchObject({
    code: 'ENGINE_UNREACHABLE',
  })
  machine.reachable = true
  await clock.advance(5_000)
  expect(await fleet()).toMatchObject({ ready: 3 })
})

test('an environment can be named without its stack, and one that nobody knows is said', async () => {
  await result(up(stack()))
  const { environment } = scope
  expect(await controller.status({ environment })).toMatchObject([scope])
  await expect(controller.status({ environment: 'nosuch' })).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNKNOWN',
    hint: 'known are: shop/production',
  })
  const { signal } = new AbortController()
  await expect(Array.fromAsync(controller.events({ environment: 'nosuch' }, false, signal))).rejects.toMatchObject({
    code: 'ENVIRONMENT_UNKNOWN',
  })
  expect((await Array.fromAsync(controller.events({ environment }, false, signal))).length).toBeGreaterThan(0)
})

test('events that are followed from none on tell only what comes', async () => {
  await result(up(version('one')))
  const stop = new AbortController()
  const told = Array.fromAsync(controller.events({ ...scope, last: 0 }, true, stop.signal))
  await clock.advance(1_000)
  const before = await store.size()
  await result(up(version('two')))
  await clock.advance(1_000)
  stop.abort()
  expect((await told).map(({ sequence }) => sequence)).toEqual(
    (await store.entries({ ...scope, after: before - 1 })).map(({ sequence }) => sequence),
  )
  expect((await told).length).toBeGreaterThan(0)
})

test('a file of one environment that goes away keeps no other from coming up, also when the router starts anew', async () => {
  const tls = { certificate: '/shop.pem', key: '/shop.key' }
  await result(up(stack({ routes: [{ ...web.routes[0]!, tls }] })))
  proxy.badFiles.add(tls.key)
  proxy.crash()
  const other: Stack = {
    stack: 'other',
    environment: 'production',
    services: { web: { ...web, routes: [{ listen: { address: '*', port: 9090 }, path: '/' }] } },
  }
  expect(await result(up(other))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
  expect(await fleet()).toMatchObject({ ready: 0 })
  expect((await controller.status({}))[0]?.problems).toMatchObject([{ code: 'CERTIFICATE_INVALID' }])
  proxy.badFiles.clear()
  await clock.advance(30_000)
  expect(await fleet()).toMatchObject({ ready: 3 })
  expect((await controller.status({}))[0]?.problems).toBeUndefined()
})

test('a renewed certificate is taken up within a look, and one that can not be is told', async () => {
  const tls = { certificate: '/shop.pem', key: '/shop.key' }
  await result(up(stack({ routes: [{ ...web.routes[0]!, tls }] })))
  proxy.renewedFiles.add(tls.certificate)
  await clock.advance(10_000)
  expect([...proxy.renewedFiles]).toEqual([])
  proxy.badFiles.add(tls.key)
  await clock.advance(10_000)
  expect(await controller.status({})).toMatchObject([
    { services: [{ ready: 3 }], problems: [{ code: 'CERTIFICATE_INVALID' }] },
  ])
  const kinds = (await store.entries({ last: 1_000 })).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'configure.intent')).toHaveLength(2)
})

test('drift names what is not as declared, and changes nothing', async () => {
  await result(up(stack()))
  expect((await controller.drift(scope)).findings).toEqual([])
  const [name] = live()
  machine.alter(name!, { user: '0' })
  const report = passing(controller.drift(scope))
  expect((await report).findings).toEqual([
    {
      id: `instance.altered:${name}`,
      kind: 'instance',
      object: name,
      message: 'touched: update by someone',
      expected: expect.stringMatching(/^web@/),
      actual: 'user: "65532:65532" → "0"',
      remedy: expect.any(String),
    },
  ])
})

test('an instance that is paused is replaced, also where its health can not tell', async () => {
  const health = { ...web.health, kind: 'process' } as const
  await result(up(stack({ health, routes: [] })))
  const [name] = live()
  machine.pause(name!)
  await clock.advance(30_000)
  expect(live()).not.toContain(name)
  expect((await fleet())?.ready).toBe(3)
})

test('an instance whose content was changed from outside is replaced', async () => {
  await result(up(stack()))
  const [name] = live()
  machine.alter(name!, { user: '0' })
  await clock.advance(30_000)
  expect(live()).not.toContain(name)
  expect((await fleet())?.ready).toBe(3)
})
