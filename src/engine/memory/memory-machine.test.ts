import { beforeEach, expect, test } from 'vitest'
import { defaultHardening, versionId, type VersionSpec } from '../../model/version.ts'
import { MemoryProbe } from '../../probe/memory/memory-probe.ts'
import { VirtualClock } from '../../system/virtual-clock.ts'
import type { EngineEvent, InstanceOrder } from '../engine.ts'
import { MemoryEngine } from './memory-engine.ts'
import { MemoryMachine } from './memory-machine.ts'
import { goodBehaviour, type Behaviour } from './memory-process.ts'

let clock: VirtualClock
let machine: MemoryMachine
let engine: MemoryEngine

beforeEach(() => {
  clock = new VirtualClock(1_000_000)
  machine = new MemoryMachine(clock)
  engine = new MemoryEngine(machine, { timings: { createMs: 10, removeMs: 5 } })
})

test('an instance is healthy once its behaviour says so, and is asked at its own address', async () => {
  const name = await run({ startMs: 50, healthyAfterMs: 200 })
  const [instance] = (await engine.observe()).instances
  expect(instance).toMatchObject({ createdAtMs: 1_000_010, startedAtMs: 1_000_060, address: { port: 8080 } })
  expect(await probe(name)).toEqual({ healthy: false, answer: 'connection refused' })
  await clock.advance(200)
  expect(await probe(name)).toEqual({ healthy: true, answer: 'HTTP 200' })
})

test('one that flaps is unhealthy at the end of each period', async () => {
  const name = await run({ flaps: { everyMs: 100, forMs: 30 } })
  const seen: boolean[] = []
  for (let turn = 0; turn < 10; turn++) {
    seen.push((await probe(name)).healthy)
    await clock.advance(20)
  }
  expect(seen).toEqual([true, true, true, true, false, true, true, true, true, false])
})

test('one that is silent costs the probe its timeout', async () => {
  const name = await run({})
  machine.force(name, 'silent')
  const answer = probe(name)
  await clock.advance(499)
  await expect(Promise.race([answer, Promise.resolve('waiting')])).resolves.toBe('waiting')
  await clock.advance(1)
  expect(await answer).toEqual({ healthy: false, answer: 'no answer in 500 ms' })
})

test('a process that ignores SIGTERM is killed when its grace is over', async () => {
  const name = await run({ stopMs: null })
  const destroyed = engine.destroy(name, 1000)
  await clock.advance(999)
  expect((await engine.observe()).instances).toHaveLength(1)
  await clock.advance(6)
  await destroyed
  expect((await engine.observe()).instances).toEqual([])
  expect(machine.exitCode(name)).toBe(137)
})

test('a second destroy with less grace shortens the first', async () => {
  const name = await run({ stopMs: null })
  const patient = engine.destroy(name, 60_000)
  await clock.advance(10)
  const hasty = engine.destroy(name, 0)
  await clock.advance(10)
  await Promise.all([patient, hasty])
  expect((await engine.observe()).instances).toEqual([])
})

test('a restart ends every process, keeps what was made, and says so', async () => {
  const name = await run({})
  const events: EngineEvent[] = []
  const stop = new AbortController()
  const watch = engine.watch((event) => events.push(event), stop.signal)
  machine.restart()
  await clock.advance(0)
  const [instance] = (await engine.observe()).instances
  expect(instance).toMatchObject({ name, phase: 'exited', exit: { code: 137 } })
  expect(events).toContainEqual({ kind: 'lost' })
  stop.abort()
  await watch
})

test('an engine that does not answer does nothing, and says `lost` when it is back', async () => {
  const name = await run({})
  const events: EngineEvent[] = []
  const stop = new AbortController()
  const watch = engine.watch((event) => events.push(event), stop.signal)
  machine.reachable = false
  await expect(engine.destroy(name, 0)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  machine.die(name)
  await clock.advance(0)
  machine.reachable = true
  await clock.advance(0)
  expect(events).toEqual([{ kind: 'lost' }])
  expect((await engine.observe()).instances).toMatchObject([{ name, phase: 'exited' }])
  stop.abort()
  await watch
})

test.each([
  ['lost', ['shop-test-web-first exited']],
  ['done', ['shop-test-web-first exited', 'shop-test-web-other created']],
])('what a driver had asked for when it went is %s; it asks for nothing more', async (fate, expected) => {
  const name = await run({ stopMs: 100 })
  const gone = new AbortController()
  const driver = new MemoryEngine(machine, {
    timings: { createMs: 10 },
    gone: gone.signal,
    ...(fate === 'lost' && { lost: gone.signal }),
  })
  const other = orderOf({ ...spec, image: machine.images.add('other') })
  void driver.destroy(name, 1000)
  void driver.create(other)
  await clock.advance(1)
  gone.abort()
  await clock.advance(10_000)
  const names = new Map([
    [name, 'shop-test-web-first'],
    [other.name, 'shop-test-web-other'],
  ])
  const seen = (await engine.observe()).instances.map((instance) => `${names.get(instance.name)} ${instance.phase}`)
  expect(seen).toEqual(expected)
})

test('the log keeps the last thousand lines', async () => {
  const says = Array.from({ length: 1200 }, (_, line) => ({ stream: 'stdout' as const, text: `${line}` }))
  const name = await run({ says })
  const texts: string[] = []
  for await (const line of engine.logs(name)) texts.push(line.text)
  expect(texts).toEqual(says.slice(200).map((line) => line.text))
})

async function run(behaviour: Partial<Behaviour>): Promise<string> {
  machine.images.add('app', { behaviour: () => ({ ...goodBehaviour, ...behaviour }) })
  const image = await engine.prepare({ kind: 'reference', reference: 'app' })
  const order = orderOf({ ...spec, image: image.digest })
  void engine.create(order).then(() => engine.start(order.name))
  await clock.advance(10 + (behaviour.startMs ?? 0))
  return order.name
}

function probe(name: string) {
  const address = machine.instance(name)?.address
  if (!address) throw new Error(`${name} has no address`)
  return new MemoryProbe(clock, machine).probe(address, spec.health, new AbortController().signal)
}

function orderOf(content: VersionSpec): InstanceOrder {
  const version = versionId(content)
  const key = { stack: 'shop', environment: 'test', service: 'web' }
  return { ...key, name: `shop-test-web-${version.slice(0, 8)}-1`, version, spec: content }
}

const spec: VersionSpec = {
  image: 'sha256:none',
  command: ['/serve'],
  workingDirectory: '/',
  environment: {},
  user: '65532',
  port: 8080,
  health: { kind: 'http', path: '/', intervalMs: 1000, timeoutMs: 500, healthyAfter: 1, unhealthyAfter: 1 },
  resources: { cpuMillis: 500, memoryBytes: 67_108_864, pids: 32 },
  tmpfs: [],
  hardening: defaultHardening,
}
