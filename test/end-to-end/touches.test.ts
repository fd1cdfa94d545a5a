/** Touched is dead (promise 4): each touch of the catalogue, done for real to an instance of a live fleet. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningLoad } from '../load/load-process.ts'
import { eventually } from './eventually.ts'
import { type Span, unexplained } from './kills.ts'
import { Scene } from './scene.ts'
import { type SeenTouch, seenTouches, unseenTouches } from './touch-rows.ts'
import { targetOf, type Target } from './touch-target.ts'
import { touchedImage } from './touched-image.ts'

const replicas = 24
/** So many in so long look like a fault of the sensor. */
const mostAtOnce = Math.floor(0.3 * replicas)
const atOnceMs = 10_500

let scene: Scene
let load: RunningLoad
/** By name, those that somebody has touched and that are still there. */
const taken = new Set<string>()
/** In their order: a name is one of many instances after another. */
const touched: string[] = []
const touchedAtMs: number[] = []
const outages: Span[] = []
const undoings: (() => unknown)[] = []

beforeAll(async () => {
  scene = await Scene.open()
  const image = await touchedImage(scene.engine)
  const guard = { escalation: { after: 1000 } }
  await scene.declare({ image, replicas, tmpfs: ['/tmp'], guard, rollout: { maxSurge: replicas, deadline: '60s' } })
  await scene.succeed('up')
  load = await scene.load({ url: `${scene.url}plain`, ratePerSecond: 100 })
})
afterAll(async () => {
  for (const undoing of undoings) await undoing()
  await scene.close()
})

test('what can not be seen is not, and what it breaks is replaced', async () => {
  const begun = Date.now()
  const targets = new Map<string, Target>()
  for (const { name, touch } of unseenTouches) {
    const target = await take()
    targets.set(name, target)
    undo(await touch(target))
  }
  for (const { name, outcome } of unseenTouches) if (outcome === 'is replaced') await untilGone(targets.get(name)!)
  outages.push({ fromMs: begun, toMs: Date.now() })
  await isAnswered(seenTouches[0]!)
  const instances = new Set((await scene.instances()).map(({ Id }) => Id))
  const outcomes = [...targets].map(([name, { id }]) => [name, instances.has(id) ? 'stays' : 'is replaced'])
  expect(outcomes).toEqual(unseenTouches.map(({ name, outcome }) => [name, outcome]))
  expect(await taintsOf([...targets.values()])).toEqual([])
})

test.each(seenTouches)('$name', isAnswered)

test('nobody else was tainted, the fleet is whole, and no request failed but those at touched instances', async () => {
  await eventually('the fleet is whole again', async () => {
    const servers = await scene.router.servers()
    return servers.length === replicas && servers.every(({ up }) => up)
  })
  const entries = await scene.entries()
  const left = [...touched]
  const unexpected = entries.filter(({ kind, instance = '' }) => {
    if (kind !== 'instance.tainted') return false
    const at = left.indexOf(instance)
    return at === -1 || !left.splice(at, 1)
  })
  expect(unexpected.map(({ instance, message }) => `${instance}: ${message}`)).toEqual([])
  expect(entries.filter(({ kind }) => ['instance.cordoned', 'sensor.suspected'].includes(kind))).toEqual([])
  expect(unexplained(await load.stop(), outages)).toEqual([])
})

/** A touch, and all that follows from it. */
async function isAnswered(row: SeenTouch): Promise<void> {
  await pace()
  const target = await take()
  touched.push(target.name)
  const fromMs = Date.now()
  const undoing = await row.touch(target)
  await eventually('it is out of rotation', async () => !(await serving()).includes(target.name), 10_000)
  outages.push({ fromMs, toMs: Date.now() })
  if (typeof undoing === 'function') await undoing()
  await untilGone(target)
  const [taint, ...others] = await taintsOf([target])
  expect(others).toEqual([])
  expect(row.seenAs).toContain(taint?.slice(0, taint.indexOf(':')))
  const kinds = (await entriesOf(target)).map(({ kind }) => kind)
  if (row.isItsEnd) return
  expect(kinds).toContain('capture.done')
  expect(kinds).toContain('destroy.done')
}

/** Waits until another touch is no crowd. */
async function pace(): Promise<void> {
  const recent = () => touchedAtMs.filter((atMs) => Date.now() - atMs < atOnceMs)
  await eventually('touches are few enough', () => recent().length < mostAtOnce)
  touchedAtMs.push(Date.now())
}

/** An instance that serves and that nobody has touched. */
async function take(): Promise<Target> {
  let free: string | undefined
  await eventually('an untouched instance serves', async () => {
    free = (await serving()).find((name) => !taken.has(name))
    return free !== undefined
  })
  taken.add(free!)
  return targetOf(scene.engine, free!)
}

async function serving(): Promise<readonly string[]> {
  return (await scene.router.inRotation())
    .filter(({ up, admin }) => up && admin === 'ready')
    .map(({ instance }) => instance)
}

async function untilGone({ id, name }: Target): Promise<void> {
  await eventually(`${name} is gone`, async () => (await scene.instances()).every(({ Id }) => Id !== id))
  taken.delete(name)
}

async function entriesOf({ name }: Target) {
  const entries = await scene.entries()
  const made = entries.findLastIndex(({ kind, instance }) => kind === 'create.intent' && instance === name)
  return entries.slice(made).filter(({ instance }) => instance === name)
}

/** What was put on the record of them. */
async function taintsOf(targets: readonly Target[]): Promise<readonly string[]> {
  const entries = (await Promise.all(targets.map(entriesOf))).flat()
  return entries.flatMap(({ kind, message }) => (kind === 'instance.tainted' ? message : []))
}

function undo(undoing: unknown): void {
  if (typeof undoing === 'function') undoings.push(undoing as () => unknown)
}
