import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MemoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { goodBehaviour } from '../../src/engine/memory/memory-process.ts'
import { RepaveError } from '../../src/errors.ts'
import { emptyLock } from '../../src/image/lock.ts'
import type { RefusedName } from '../../src/model/refusal.ts'
import type { RolloutPolicy } from '../../src/model/stack.ts'
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

const named = (name: string): RefusedName => ({ kind: 'name', name })
const reason = 'it leaks'
const asked = (name: string) => ({ ...scope, by: 'eve', what: named(name), reason })
const refuse = (name: string) => passing(controller.refuse(asked(name)))
const recall = (name: string) => controller.recall(asked(name))
const lift = (id: number) => passing(controller.lift({ ...scope, by, id, reason: 'mended' }))
const rollback = (to?: string) => controller.rollback({ ...scope, by, ...(to !== undefined && { to }) })
const current = async () => (await fleet())!.version!
const engineFails = () => Promise.reject(new RepaveError('ENGINE_FAILED', 'no disk', { hint: 'mend it' }))
const bad = stack({ image: badImage })

async function versionsBroughtUp(...greetings: readonly string[]): Promise<readonly string[]> {
  const names: string[] = []
  for (const greeting of greetings) {
    await result(up(version(greeting)))
    names.push(await current())
  }
  return names
}

async function kinds(prefix: string): Promise<readonly string[]> {
  const entries = await store.entries({})
  return entries.flatMap(({ kind, by: who, message }) =>
    kind.startsWith(prefix) ? [`${kind} by ${who}: ${message}`] : [],
  )
}

describe('refuse', () => {
  test('keeps up and rollback from a version, and names who, when, why and the remedy', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    expect(await refuse(one)).toEqual({
      ok: true,
      changed: true,
      refusal: { id: 1, kind: 'version', what: one, service: 'web', reason, by: 'eve', at: expect.any(String) },
      runs: [],
    })
    const refused = {
      code: 'VERSION_REFUSED',
      message: expect.stringMatching(`^${one} must not run in shop/production: eve refused it at .*Z: it leaks$`),
      hint: expect.stringContaining('`repave refuse --lift 1 --reason …`'),
      about: ['services', 'web'],
    }
    const before = live()
    expect(await error(up(version('one')))).toMatchObject(refused)
    expect(await error(rollback(one))).toMatchObject(refused)
    await expect(controller.plan({ stack: version('one'), lock: emptyLock, by })).rejects.toMatchObject(refused)
    expect(live()).toEqual(before)
    expect(await kinds('decision.ref')).toEqual([`decision.refuse by eve: ${one} must not run: it leaks`])
  })

  test('is nothing new the second time', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    expect(await refuse(one)).toMatchObject({ changed: false, refusal: { id: 1 } })
    expect(await kinds('decision.ref')).toHaveLength(1)
  })

  test('lets serve on what runs, and makes no further instance of it', async () => {
    const [one = ''] = await versionsBroughtUp('one')
    expect(await refuse(one)).toMatchObject({ runs: [one] })
    await clock.advance(30_000)
    expect(await fleet()).toMatchObject({ version: one, ready: 3 })
    machine.die(live()[0]!)
    await clock.advance(60_000)
    expect(live()).toHaveLength(2)
    expect(await fleet()).toMatchObject({ desired: 3, ready: 2, refusal: { id: 1, by: 'eve', reason } })
    expect(await error(up(stack({ environment: { GREETING: 'one' }, replicas: 5 })))).toMatchObject({
      code: 'VERSION_REFUSED',
    })
    await lift(1)
    await clock.advance(30_000)
    expect(live()).toHaveLength(3)
  })

  test('is passed over by a rollback that names no version', async () => {
    const [one = '', two = ''] = await versionsBroughtUp('one', 'two', 'three')
    await refuse(two)
    expect(await result(rollback())).toMatchObject({ ok: true, services: [{ version: one }] })
  })

  test('leaves nothing to go back to where all else is refused', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    expect(await error(rollback())).toMatchObject({ code: 'NOTHING_TO_ROLL_BACK' })
  })

  test('keeps every version from running that is made of an image', async () => {
    await versionsBroughtUp('one')
    const [report] = await controller.versions(scope)
    const { digest = '' } = report?.versions[0] ?? {}
    expect(await refuse(digest.slice(0, 'sha256:'.length + 12))).toMatchObject({
      refusal: { kind: 'image', what: digest },
    })
    expect(await error(up(version('two')))).toMatchObject({
      code: 'VERSION_REFUSED',
      message: expect.stringContaining(`eve refused image ${digest} at`),
    })
    image('web:2')
    expect(await result(up(stack({ image: { kind: 'reference', reference: 'web:2' } })))).toMatchObject({ ok: true })
  })

  test('keeps every version from running whose image has a label', async () => {
    const labelled = { command: ['/web'], labels: { base: 'alpine-3.18' }, behaviour: () => goodBehaviour }
    machine.images.add('web:labelled', labelled)
    const old = stack({ image: { kind: 'reference', reference: 'web:labelled' } })
    await result(up(old))
    const what = { kind: 'label', label: 'base', value: 'alpine-3.18' } as const
    await passing(controller.refuse({ ...asked(''), what }))
    await result(up(version('one')))
    expect(await error(up(old))).toMatchObject({
      code: 'VERSION_REFUSED',
      message: expect.stringContaining('eve refused label base=alpine-3.18 at'),
    })
    const [report] = await controller.versions(scope)
    expect(report?.versions.map(({ state }) => state)).toEqual(['current', 'refused'])
  })

  test('is known to the next controller', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    await controller.stop()
    await startController()
    expect(await error(up(version('one')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })

  test('counts in its environment alone', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    const routes = [{ listen: { address: '*', port: 9090 }, path: '/' }]
    const staging = {
      stack: 'shop',
      environment: 'staging',
      services: { web: { ...web, environment: { GREETING: 'one' }, routes } },
    }
    expect(await result(up(staging))).toMatchObject({ ok: true })
  })

  test('a version that never ran here is refused by its whole id', async () => {
    const id = 'c'.repeat(64)
    expect(await refuse(`api@${id}`)).toMatchObject({ refusal: { what: 'api@cccccccc', service: 'api' } })
    expect(await refuse(id)).toMatchObject({ changed: true, refusal: { what: 'cccccccc' } })
    await expect(refuse('api@cccccc')).rejects.toMatchObject({ code: 'VERSION_UNKNOWN' })
    await expect(refuse('sha256:cccccc')).rejects.toMatchObject({ code: 'VERSION_UNKNOWN' })
  })

  test('holds also for what was being prepared when it came', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    const prepare = engine.prepare.bind(engine)
    const admitted = Promise.withResolvers<void>()
    const slowly: MemoryEngine['prepare'] = (request) => {
      admitted.resolve()
      return clock.sleep(500).then(() => prepare(request))
    }
    Object.assign(engine, { prepare: slowly })
    const going = Array.fromAsync(rollback(one))
    await admitted.promise
    await refuse(one)
    expect((await passing(going)).at(-1)).toMatchObject({ kind: 'error', error: { code: 'VERSION_REFUSED' } })
    expect(await current()).not.toBe(one)
  })

  test('that can not be recorded is none, and one that was recorded all the same is one', async () => {
    const [one = '', two = ''] = await versionsBroughtUp('one', 'two', 'three')
    const whole = { ...store }
    Object.assign(store, { refuse: noRoom })
    await expect(refuse(one)).rejects.toMatchObject({ code: 'DISK_FULL' })
    Object.assign(store, {
      refuse: async (...refused: Parameters<typeof store.refuse>) => whole.refuse(...refused).then(noRoom),
    })
    expect(await refuse(two)).toMatchObject({ changed: true, refusal: { id: 1 } })
    Object.assign(store, whole)
    expect(await error(up(version('two')))).toMatchObject({ code: 'VERSION_REFUSED' })
    expect(await result(up(version('one')))).toMatchObject({ ok: true })
  })
})

describe('lift', () => {
  test('lets it run again, and is on the record', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    expect(await lift(1)).toMatchObject({ ok: true, changed: true, refusal: { lifted: { by, reason: 'mended' } } })
    expect(await lift(1)).toMatchObject({ changed: false })
    expect(await result(up(version('one')))).toMatchObject({ ok: true })
    expect(await kinds('decision.refusal-lifted')).toEqual([
      `decision.refusal-lifted by ada: ${one} may run again: mended`,
    ])
    expect((await controller.refusals(scope)).refusals).toMatchObject([{ id: 1, lifted: { by } }])
  })

  test('says what else refuses the same', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    await result(recall(one))
    expect(await lift(1)).toMatchObject({ others: [2] })
  })

  test('of a refusal that there is not says which there are', async () => {
    const [one = ''] = await versionsBroughtUp('one', 'two')
    await refuse(one)
    await expect(lift(7)).rejects.toMatchObject({ code: 'REFUSAL_UNKNOWN', hint: expect.stringContaining('1') })
  })
})

describe('recall', () => {
  test('puts the newest proven version that may run in the place of what runs', async () => {
    const [one = '', two = '', three = ''] = await versionsBroughtUp('one', 'two', 'three')
    await refuse(two)
    expect(await result(recall(three))).toMatchObject({
      ok: true,
      changed: true,
      services: [{ version: one, ready: 3 }],
    })
    expect(await store.currentRelease(scope)).toMatchObject({ decision: 'recall', by: 'eve' })
    expect(await kinds('decision.recall')).toEqual([`decision.recall by eve: ${three} must not run: it leaks`])
    const [entry] = await store.entries({ kinds: ['decision.recall'] })
    expect(entry).toMatchObject({
      service: 'web',
      version: expect.stringMatching(/^.{64}$/),
      release: expect.any(String),
    })
    expect(await error(up(version('three')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })

  test('keeps the number of replicas', async () => {
    await versionsBroughtUp('one')
    await result(up(stack({ environment: { GREETING: 'two' }, replicas: 5 })))
    expect(await result(recall(await current()))).toMatchObject({ ok: true, services: [{ ready: 5 }] })
  })

  test('leaves nothing of it warm', async () => {
    const rollout: RolloutPolicy = { ...web.rollout, strategy: 'blueGreen', keepWarmMs: 60_000 }
    await result(up(stack({ environment: { GREETING: 'one' }, rollout })))
    await result(up(stack({ environment: { GREETING: 'two' }, rollout })))
    await clock.advance(61_000)
    expect(await result(recall(await current()))).toMatchObject({ ok: true })
    expect(live()).toHaveLength(3)
    expect(await kinds('fleet.cooled')).toEqual(['fleet.cooled by repave: its time is over'])
  })

  test('takes the service down where nothing can take its place, and says so', async () => {
    const [one = ''] = await versionsBroughtUp('one')
    expect(await result(recall(one))).toMatchObject({
      ok: false,
      changed: true,
      code: 'NOTHING_TO_ROLL_BACK',
      message: expect.stringContaining('web has no other version'),
      services: [],
    })
    expect(live()).toEqual([])
    expect(await result(up(version('two')))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
  })

  test('passes over a version whose image is gone', async () => {
    const [, , three = ''] = await versionsBroughtUp('one', 'two', 'three')
    Object.assign(engine, {
      prepare: () => Promise.reject(new RepaveError('IMAGE_NOT_FOUND', 'no image', { hint: 'pull it' })),
    })
    expect(await result(recall(three))).toMatchObject({ ok: false, code: 'NOTHING_TO_ROLL_BACK' })
    expect(live()).toEqual([])
  })

  test('of what does not run refuses it, and changes nothing', async () => {
    const [one = '', two = ''] = await versionsBroughtUp('one', 'two')
    const before = live()
    expect(await result(recall(one))).toMatchObject({ ok: true, changed: true })
    expect(await result(recall(one))).toMatchObject({ ok: true, changed: false })
    expect([live(), await current()]).toEqual([before, two])
    expect((await controller.refusals(scope)).refusals).toMatchObject([{ what: one, isRecall: true }])
  })

  test('of an image concerns every service that is made of it', async () => {
    const api = { ...web, routes: [] }
    image('api:1')
    await result(up({ ...scope, services: { web, api: { ...api, image: { kind: 'reference', reference: 'api:1' } } } }))
    await result(up({ ...scope, services: { web, api: { ...api, environment: { GREETING: 'two' } } } }))
    const [report] = await controller.versions(scope, 'web')
    const ended = await result(recall(report!.versions[0]!.digest))
    expect(ended).toMatchObject({ ok: false, code: 'NOTHING_TO_ROLL_BACK', services: [{ service: 'api', ready: 3 }] })
    expect(ended.message).toMatch(/^web has no other version/)
    expect(live().every((name) => name.includes('-api-'))).toBe(true)
  })

  test('is not kept waiting by an up that still prepares, which then obeys it', async () => {
    const [one = '', two = ''] = await versionsBroughtUp('one', 'two')
    const prepare = engine.prepare.bind(engine)
    const slowly: MemoryEngine['prepare'] = (request) =>
      request.kind === 'digest' ? prepare(request) : clock.sleep(500).then(() => prepare(request))
    Object.assign(engine, { prepare: slowly })
    const going = Array.fromAsync(up(stack({ environment: { GREETING: 'two' }, replicas: 5 })))
    await clock.advance(100)
    expect(await result(recall(two))).toMatchObject({ ok: true, services: [{ version: one, ready: 3 }] })
    expect((await passing(going)).at(-1)).toMatchObject({ kind: 'error', error: { code: 'VERSION_REFUSED' } })
    expect(await current()).toBe(one)
  })

  test('takes the place of a rollout that gets nowhere', async () => {
    image('web:bad', { healthyAfterMs: null })
    const [one = ''] = await versionsBroughtUp('one')
    const going = Array.fromAsync(up(bad))
    await clock.advance(1_000)
    const failing = (await controller.versions(scope))[0]!.versions.find(({ version: each }) => each !== one)!
    expect(await result(recall(failing.version))).toMatchObject({ ok: true, services: [{ version: one, ready: 3 }] })
    expect((await passing(going)).at(-1)).toMatchObject({
      result: { code: 'ROLLOUT_SUPERSEDED', message: expect.stringContaining('`repave recall` by eve') },
    })
  })

  test('of the version before is obeyed by a rollout that fails', async () => {
    image('web:bad', { healthyAfterMs: null })
    const [one = '', two = ''] = await versionsBroughtUp('one', 'two')
    const going = Array.fromAsync(up(bad))
    await clock.advance(1_000)
    expect(await result(recall(two))).toMatchObject({ services: [{ version: one }] })
    expect((await passing(going)).at(-1)).toMatchObject({ result: { code: 'ROLLOUT_ABORTED' } })
    expect(await fleet()).toMatchObject({ version: one, ready: 3 })
  })
})

describe('a version that failed', () => {
  test('is refused with its verdict, in one stroke with the decision that takes it back', async () => {
    image('web:bad', { healthyAfterMs: null })
    const [one = ''] = await versionsBroughtUp('one')
    const failed = await result(up(bad))
    expect(failed).toMatchObject({
      ok: false,
      code: 'ROLLOUT_ABORTED',
      hint: expect.stringContaining('this one is refused from now on'),
    })
    const again = await error(up(bad))
    expect(again).toMatchObject({
      code: 'VERSION_REFUSED',
      message: expect.stringMatching(
        /repave refused it at .*: no further instance became ready within 20 s; 0 of 3 are/,
      ),
    })
    expect(await result(up(version('one')))).toMatchObject({ ok: true, changed: false, services: [{ version: one }] })
    const [report] = await controller.versions(scope)
    expect(report?.versions.map(({ state }) => state).toSorted()).toEqual(['current', 'refused'])
    expect((await kinds('decision.')).slice(-2)).toEqual([
      expect.stringMatching(/^decision\.abort by repave/),
      expect.stringMatching(/^decision\.refuse by repave: web@.{8} must not run: no further instance/),
    ])
  })

  test.each<[string, Parameters<typeof image>[1]]>([
    ['its instances die', { exit: { afterMs: 50, code: 3 } }],
    ['the engine says that it can not run', { cannotRun: 'no such file' }],
  ])('is refused where %s', async (_, behaviour) => {
    image('web:bad', behaviour)
    expect(await result(up(bad))).toMatchObject({ code: 'ROLLOUT_ABORTED' })
    expect(await error(up(bad))).toMatchObject({ code: 'VERSION_REFUSED' })
  })

  test('may try again once its refusal is lifted', async () => {
    image('web:bad', { healthyAfterMs: null })
    await result(up(bad))
    await lift(1)
    image('web:bad')
    expect(await result(up(bad))).toMatchObject({ ok: true, services: [{ ready: 3 }] })
  })

  test('is not refused where the engine made no instance of it', async () => {
    await versionsBroughtUp('one')
    const create = engine.create.bind(engine)
    Object.assign(engine, { create: engineFails })
    expect(await result(up(version('two')))).toMatchObject({
      ok: false,
      code: 'ROLLOUT_ABORTED',
      hint: expect.stringContaining('run `repave up` again'),
    })
    Object.assign(engine, { create })
    expect(await result(up(version('two')))).toMatchObject({ ok: true })
  })

  test('is not refused where the engine is out of sight for longer than its deadline', async () => {
    await versionsBroughtUp('one')
    const going = Array.fromAsync(up(version('two')))
    await clock.advance(100)
    machine.reachable = false
    await clock.advance(60_000)
    machine.reachable = true
    await passing(going)
    await clock.advance(60_000)
    expect((await controller.refusals(scope)).refusals).toEqual([])
    expect((await fleet())?.ready).toBe(3)
  })

  test('is not refused for instances that ended while nobody could see them', async () => {
    image('web:slow', { healthyAfterMs: 5_000 })
    const slow = stack({ image: { kind: 'reference', reference: 'web:slow' } })
    const going = Array.fromAsync(up(slow))
    await clock.advance(1_000)
    machine.reachable = false
    await clock.advance(1_000)
    for (const name of live()) machine.die(name)
    machine.reachable = true
    expect((await passing(going)).at(-1)).toMatchObject({ result: { ok: true } })
  })

  test('is not refused where only its number changed', async () => {
    const [one = ''] = await versionsBroughtUp('one')
    image('web:1', { healthyAfterMs: null })
    const more = stack({ environment: { GREETING: 'one' }, replicas: 5 })
    expect(await result(up(more))).toMatchObject({ ok: false, code: 'ROLLOUT_ABORTED' })
    expect((await controller.refusals(scope)).refusals).toEqual([])
    expect(await current()).toBe(one)
  })
})
