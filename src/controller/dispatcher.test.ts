import { MemoryLocker } from '../evidence/memory/memory-locker.ts'
import { beforeEach, expect, test } from 'vitest'
import type { Engine } from '../engine/engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { MemoryMachine } from '../engine/memory/memory-machine.ts'
import { goodBehaviour } from '../engine/memory/memory-process.ts'
import type { ServiceRelease } from '../model/release.ts'
import { defaultHardening, versionId, type VersionSpec } from '../model/version.ts'
import { openMemoryLedger } from '../ledger/memory/memory-ledger.ts'
import { MemoryBookmarks } from '../notify/memory/memory-bookmarks.ts'
import { MemoryMessenger } from '../notify/memory/memory-messenger.ts'
import { MemoryGate } from '../gate/memory/memory-gate.ts'
import { MemoryProbe } from '../probe/memory/memory-probe.ts'
import { MemoryProxy } from '../router/memory/memory-proxy.ts'
import { MemoryRouter } from '../router/memory/memory-router.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { VirtualClock } from '../system/virtual-clock.ts'
import type { Order } from './act.ts'
import { Dispatcher } from './dispatcher.ts'

const key = { stack: 'shop', environment: 'live', service: 'web' }
const webSpec: Omit<VersionSpec, 'image'> = {
  command: ['/web'],
  workingDirectory: '/',
  environment: {},
  user: '65532',
  port: null,
  health: { kind: 'process', intervalMs: 1_000, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  hardening: defaultHardening,
}

let clock: VirtualClock
let machine: MemoryMachine
let engine: MemoryEngine
let dispatcher: Dispatcher

beforeEach(() => {
  clock = new VirtualClock()
  machine = new MemoryMachine(clock)
  engine = new MemoryEngine(machine)
  dispatcher = dispatcherOver(engine)
})

function dispatcherOver(driver: Engine): Dispatcher {
  const router = new MemoryRouter(new MemoryProxy(clock), clock)
  const probe = new MemoryProbe(clock, machine)
  const info = { pid: 1, socket: '/run/controller.sock' }
  const seams = {
    clock,
    engine: driver,
    router,
    probe,
    gate: new MemoryGate(clock, { answer: () => 'none' }),
    store: createMemoryStore(),
    locker: new MemoryLocker(),
    openLedger: () => openMemoryLedger(),
    messenger: new MemoryMessenger(),
    bookmarks: new MemoryBookmarks(),
    info,
    log: () => {},
  }
  return new Dispatcher(seams, { onIntent: () => {}, onEnd: () => {} })
}

test('instances that are slow to stop keep no others from ending', async () => {
  const stubborn = await runStubborn(9)
  const orders = stubborn.map(end)
  void dispatcher.dispatch(orders, clock.now())
  await clock.advance(500)
  expect(ending()).toEqual(stubborn.slice(0, 8))
  const retryAtMs = dispatcher.nextRetryAtMs(clock.now())!
  await clock.runUntil(retryAtMs)
  void dispatcher.dispatch(orders, clock.now())
  await clock.advance(0)
  expect(ending()).toEqual(stubborn)
})

test('an instance that is made and never appears is made again with growing delays, and people are told', async () => {
  const forgetful = new ForgetfulEngine(machine)
  dispatcher = dispatcherOver(forgetful)
  const order = make()
  for (let ms = 0; ms < 10_000; ms += 50) {
    const underWay = dispatcher.underWay()
    await clock.advance(50)
    dispatcher.forgetAllBut(underWay.length > 0 ? [] : [order], underWay)
    void dispatcher.dispatch([order], clock.now())
  }
  expect(forgetful.creations).toBeGreaterThan(3)
  expect(forgetful.creations).toBeLessThan(8)
  expect(dispatcher.troubles()).toMatchObject([{ code: 'ENGINE_FAILED', message: expect.stringContaining('appear') }])
  dispatcher.forgetAllBut([], [])
  expect(dispatcher.troubles()).toEqual([])
})

test('an instance that appeared and was removed is made anew at once', async () => {
  const order = make()
  void dispatcher.dispatch([order], clock.now())
  await clock.advance(10)
  dispatcher.forgetAllBut([], [])
  machine.remove(order.effect.instance)
  void dispatcher.dispatch([order], clock.now())
  await clock.advance(10)
  expect([...machine.instances].map(({ order: { name } }) => name)).toEqual([order.effect.instance])
})

/** Says that it makes instances, and makes none. */
class ForgetfulEngine extends MemoryEngine {
  creations = 0

  override async create(): Promise<void> {
    this.creations++
  }

  override async start(): Promise<void> {}
}

function make(): Order {
  const spec: VersionSpec = { ...webSpec, image: machine.images.add('web:1', { behaviour: () => goodBehaviour }) }
  const version = versionId(spec)
  // Carrying out an order looks at the version alone.
  const service = { version, spec } as ServiceRelease
  return { key, service, effect: { kind: 'create', instance: 'shop-live-web-4f9a1c2b-1', version, reason: 'wanted' } }
}

function ending(): readonly string[] {
  return [...machine.instances].filter(({ process }) => process?.terminated).map(({ order }) => order.name)
}

async function runStubborn(count: number): Promise<readonly string[]> {
  const image = machine.images.add('web:1', { behaviour: () => ({ ...goodBehaviour, stopMs: null }) })
  const spec: VersionSpec = { ...webSpec, image }
  const names = Array.from({ length: count }, (_, index) => `shop-live-web-4f9a1c2b-${index + 1}`)
  for (const name of names) {
    await passing(engine.create({ ...key, name, version: versionId(spec), spec }))
    await passing(engine.start(name))
  }
  return names
}

async function passing(work: Promise<void>): Promise<void> {
  await clock.advance(1_000)
  await work
}

function end(instance: string): Order {
  return { key, effect: { kind: 'destroy', instance, graceMs: 60_000, reason: 'not wanted' } }
}
