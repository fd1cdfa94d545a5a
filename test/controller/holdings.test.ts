/** Refusals by what an image holds: its base, and its packages. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ImageContent } from '../../src/engine/memory/memory-images.ts'
import { goodBehaviour } from '../../src/engine/memory/memory-process.ts'
import { RepaveError } from '../../src/errors.ts'
import { emptyLock } from '../../src/image/lock.ts'
import type { RefusedName } from '../../src/model/refusal.ts'
import type { ServiceSpec } from '../../src/model/stack.ts'
import {
  by,
  clock,
  controller,
  engine,
  error,
  fleet,
  live,
  machine,
  noRoom,
  openWorld,
  passing,
  reports,
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

const reason = 'CVE-2026-1'
const openssl = (version: string) => ({ type: 'deb', name: 'openssl', version })
const refused = (what: RefusedName) => ({ ...scope, by: 'eve', what, reason })
const aPackage = (name: string, version?: string): RefusedName => ({
  kind: 'package',
  name,
  ...(version !== undefined && { version }),
})
const refuse = (what: RefusedName) => passing(controller.refuse(refused(what)))
const recall = (what: RefusedName) => controller.recall(refused(what))
const current = async () => (await fleet())!.version!

const quick = () => ({ ...goodBehaviour, healthyAfterMs: 200 })

function add(reference: string, content: ImageContent): void {
  machine.images.add(reference, { command: ['/web'], behaviour: quick, ...content })
}

function of(reference: string, changes: Partial<ServiceSpec> = {}) {
  return stack({ image: { kind: 'reference', reference }, ...changes })
}

async function broughtUp(...references: readonly string[]): Promise<readonly string[]> {
  const names: string[] = []
  for (const reference of references) {
    await result(up(of(reference)))
    names.push(await current())
  }
  return names
}

beforeEach(() => {
  add('old:1', { packages: [openssl('3.0.11-1')], layers: ['debian', 'old'] })
  add('new:1', { packages: [openssl('3.0.13-1')], layers: ['debian-new', 'new'] })
  add('mute:1', {})
  add('debian:12', { layers: ['debian'] })
})

describe('a refused package', () => {
  test('keeps from running what holds it, and names the package, its version and the refusal', async () => {
    const [old = ''] = await broughtUp('old:1', 'new:1')
    expect(await refuse(aPackage('openssl', '3.0.11-1'))).toMatchObject({
      changed: true,
      runs: [],
      refusal: { kind: 'package', what: 'openssl@3.0.11-1', reason },
    })
    const because = {
      code: 'VERSION_REFUSED',
      message: expect.stringMatching(
        /^web@.{8} must not run in .*: eve refused package openssl@3\.0\.11-1 at .*: CVE-2026-1; its image holds openssl 3\.0\.11-1 \(deb\)$/,
      ),
      hint: expect.stringContaining('--lift 1'),
    }
    expect(await error(up(of('old:1')))).toMatchObject(because)
    expect(await error(controller.rollback({ ...scope, by, to: old }))).toMatchObject(because)
    expect(await result(up(of('new:1', { replicas: 4 })))).toMatchObject({ ok: true })
    const [entry] = await store.entries({ kinds: ['decision.refuse'] })
    expect(entry).toMatchObject({ message: 'package openssl@3.0.11-1 must not run: CVE-2026-1' })
  })

  test('concerns an image that comes later, which is looked into before anything is decided', async () => {
    await broughtUp('new:1')
    await refuse(aPackage('log4j'))
    add('later:1', { packages: [{ type: 'maven', name: 'log4j', version: '2.14' }] })
    const before = live()
    const refusedLater = { code: 'VERSION_REFUSED', message: expect.stringContaining('log4j 2.14 (maven)') }
    expect(await error(up(of('later:1')))).toMatchObject(refusedLater)
    await expect(controller.plan({ stack: of('later:1'), lock: emptyLock, by })).rejects.toMatchObject(refusedLater)
    expect(live()).toEqual(before)
    expect(await store.entries({ kinds: ['decision.up'] })).toHaveLength(1)
  })

  test('of all versions concerns each of them, and lets serve on what runs', async () => {
    const [old = '', newer = ''] = await broughtUp('old:1', 'new:1')
    expect(await refuse(aPackage('openssl'))).toMatchObject({ runs: [newer] })
    expect(await error(controller.rollback({ ...scope, by, to: old }))).toMatchObject({ code: 'VERSION_REFUSED' })
    expect(await fleet()).toMatchObject({ version: newer, ready: 3, refusal: { id: 1, kind: 'package' } })
    machine.die(live()[0]!)
    await clock.advance(60_000)
    expect(live()).toHaveLength(2)
  })

  test('says which images it could not judge, and so does an up of one', async () => {
    const [mute = ''] = await broughtUp('mute:1')
    const { digest } = (await controller.versions(scope))[0]!.versions[0]!
    const unjudged = [{ image: digest, versions: [mute], why: 'nothing in it lists its packages' }]
    expect(await refuse(aPackage('openssl'))).toMatchObject({ runs: [], unjudged })
    const told = await reports(up(of('mute:1', { replicas: 4 })))
    expect(told).toContainEqual({
      kind: 'image',
      service: 'web',
      message: "can't be judged by refusal 1 (package openssl): nothing in it lists its packages",
    })
    expect(told.at(-1)).toMatchObject({ result: { ok: true } })
  })

  test('says so of an image whose list is no list', async () => {
    add('odd:1', { packages: 'broken' })
    await broughtUp('odd:1')
    expect(await refuse(aPackage('openssl'))).toMatchObject({
      unjudged: [{ why: expect.stringContaining('is no list of packages') }],
    })
  })

  test('is nothing new the second time, and is known to the next controller', async () => {
    await broughtUp('old:1', 'new:1')
    await refuse(aPackage('openssl', '3.0.11-1'))
    expect(await refuse(aPackage('openssl', '3.0.11-1'))).toMatchObject({ changed: false, refusal: { id: 1 } })
    await controller.stop()
    await startController()
    expect(await error(up(of('old:1')))).toMatchObject({ code: 'VERSION_REFUSED' })
    await passing(controller.lift({ ...scope, by, id: 1, reason: 'mended' }))
    expect(await result(up(of('old:1')))).toMatchObject({ ok: true })
  })

  test('holds also for what was being prepared when it came', async () => {
    await broughtUp('new:1')
    const prepare = engine.prepare.bind(engine)
    Object.assign(engine, {
      prepare: async (...asked: Parameters<typeof prepare>) => {
        const prepared = await prepare(...asked)
        await controller.refuse(refused(aPackage('openssl', '3.0.11-1')))
        return prepared
      },
    })
    expect(await error(up(of('old:1')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })

  test('that can not be looked for is none', async () => {
    await broughtUp('old:1')
    const unreachable = new RepaveError('ENGINE_UNREACHABLE', 'no engine', { hint: 'start it' })
    Object.assign(engine, { describe: () => Promise.reject(unreachable) })
    await expect(refuse(aPackage('openssl'))).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    expect((await controller.refusals(scope)).refusals).toEqual([])
  })
})

describe('a recalled package', () => {
  test('gives way to the newest proven version without it', async () => {
    const [newer = ''] = await broughtUp('new:1', 'old:1')
    expect(await result(recall(aPackage('openssl', '3.0.11-1')))).toMatchObject({
      ok: true,
      changed: true,
      services: [{ version: newer, ready: 3 }],
    })
    expect(await store.currentRelease(scope)).toMatchObject({ decision: 'recall', by: 'eve' })
    expect(await error(up(of('old:1')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })

  test('leaves nothing running where every version has it, and says what it could not judge', async () => {
    const api = { ...web, routes: [], image: { kind: 'reference', reference: 'mute:1' } } as const
    const both = { ...scope, services: { ...of('old:1').services, api } }
    await result(up(both))
    expect(await result(recall(aPackage('openssl')))).toMatchObject({
      ok: false,
      code: 'NOTHING_TO_ROLL_BACK',
      services: [{ service: 'api', ready: 3 }],
      unjudged: [{ versions: [expect.stringMatching(/^api@/)] }],
    })
  })

  test('is recorded in one stroke with the decision, or not at all', async () => {
    const [newer = '', old = ''] = await broughtUp('new:1', 'old:1')
    const decide = store.decide.bind(store)
    Object.assign(store, { decide: noRoom })
    expect(await error(recall(aPackage('openssl', '3.0.11-1')))).toMatchObject({ code: 'DISK_FULL' })
    expect((await controller.refusals(scope)).refusals).toEqual([])
    expect(await current()).toBe(old)
    // The controller dies once it is recorded: the next one finds both.
    const died = Promise.withResolvers<never>()
    const dying: typeof decide = async (decision) => {
      await decide(decision)
      return died.promise
    }
    Object.assign(store, { decide: dying })
    void Array.fromAsync(recall(aPackage('openssl', '3.0.11-1')))
    await clock.advance(1_000)
    await passing(controller.stop())
    Object.assign(store, { decide })
    await startController()
    await clock.advance(60_000)
    expect(await fleet()).toMatchObject({ version: newer, ready: 3 })
    expect(await error(up(of('old:1')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })
})

describe('a refused base', () => {
  test('concerns what begins with its layers', async () => {
    const [old = ''] = await broughtUp('old:1', 'new:1')
    expect(await refuse({ kind: 'base', base: 'debian:12' })).toMatchObject({
      refusal: { kind: 'base', what: 'debian:12' },
      runs: [],
    })
    expect(await error(controller.rollback({ ...scope, by, to: old }))).toMatchObject({
      code: 'VERSION_REFUSED',
      message: expect.stringContaining('eve refused base debian:12 at'),
    })
    add('later:1', { layers: ['debian', 'later'] })
    expect(await error(up(of('later:1')))).toMatchObject({
      code: 'VERSION_REFUSED',
      message: expect.stringContaining('its image holds the layers of debian:12'),
    })
  })

  test('concerns what its labels name, also where the engine has it not', async () => {
    add('labelled:1', { labels: { 'org.opencontainers.image.base.name': 'docker.io/library/alpine:3.18' } })
    await broughtUp('new:1', 'labelled:1')
    const ended = await result(recall({ kind: 'base', base: 'alpine:3.18' }))
    expect(ended).toMatchObject({ ok: true, unjudged: [{ why: expect.stringContaining('does not have alpine:3.18') }] })
    expect(await error(up(of('labelled:1')))).toMatchObject({ code: 'VERSION_REFUSED' })
  })
})
