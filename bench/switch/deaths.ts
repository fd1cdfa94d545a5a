/** How long it takes from the engine's word of a death until a standby is in the dead one's place. */
import { composeEngine } from '../../src/compose.ts'
import type { RecordedEntry } from '../../src/store/store.ts'
import { eventually } from '../../test/end-to-end/eventually.ts'
import { kill } from '../../test/end-to-end/processes.ts'
import type { Scene } from '../../test/end-to-end/scene.ts'
import { Prober } from './prober.ts'

export interface DeathResult {
  /** From the engine's event, by its own clock, until HAProxy gives the dead one nothing; negative: before it. */
  readonly outMs: readonly number[]
  /** From the engine's event until HAProxy has the standby in rotation. */
  readonly inMs: readonly number[]
  /** What bringing it into HAProxy took of that, by the record. */
  readonly routeMs: readonly number[]
  readonly failed: number
}

interface Death {
  readonly victim: string
  readonly standby: string
}

/** Times of day. */
interface Seen {
  readonly event: number
  readonly out: number
  readonly in: number
}

export async function measureDeaths(
  scene: Scene,
  {
    replicas,
    ratePerSecond,
    count,
  }: { readonly replicas: number; readonly ratePerSecond: number; readonly count: number },
): Promise<DeathResult> {
  const health = { http: '/healthz', interval: '1s' }
  await scene.declare({ replicas, standby: 1, health })
  await scene.succeed('up')
  const events = await watchDeaths(scene)
  const prober = new Prober(scene.url, ratePerSecond)
  const seen: Seen[] = []
  const standbys: string[] = []
  for (let index = 0; index < count; index += 1) {
    const death = await nextDeath(scene)
    standbys.push(death.standby)
    seen.push(await watchDeath(scene, death, events.times))
  }
  events.stop()
  await prober.stop()
  const entries = await scene.entries()
  return {
    outMs: seen.map((times) => times.out - times.event),
    inMs: seen.map((times) => times.in - times.event),
    routeMs: standbys.map((standby) => routeMs(entries, standby)),
    failed: prober.answers.filter(({ ok }) => !ok).length,
  }
}

/** Hears of deaths as the controller does. */
async function watchDeaths({ home }: Scene) {
  const times = new Map<string, number>()
  const end = new AbortController()
  const connected = Promise.withResolvers<void>()
  void composeEngine(home).watch((event) => {
    if (event.kind === 'lost') connected.resolve()
    else if (event.kind === 'changed' && event.action === 'die') times.set(event.instance, event.atMs)
  }, end.signal)
  await connected.promise
  return { times, stop: () => end.abort() }
}

/** The oldest, since one that dies young would be taken for a crash loop; once there is a standby. */
async function nextDeath(scene: Scene): Promise<Death> {
  let death: Death | undefined
  await eventually('there is a standby, and one that is old enough to die', async () => {
    const instances = (await scene.status()).services[0]?.instances ?? []
    const victim = instances.filter(({ state }) => state === 'ready').toSorted((a, b) => b.ageSeconds - a.ageSeconds)[0]
    const standby = instances.find(({ state }) => state === 'standby')
    if (victim && standby && victim.ageSeconds > 10) death = { victim: victim.name, standby: standby.name }
    return death !== undefined
  })
  if (!death) throw new Error('nobody can die')
  return death
}

/** Asks HAProxy again and again until it has seen both. */
async function watchDeath(
  scene: Scene,
  { victim, standby }: Death,
  events: ReadonlyMap<string, number>,
): Promise<Seen> {
  kill(await scene.engine.firstProcess(victim))
  let [outAtMs, inAtMs] = [Number.NaN, Number.NaN]
  while (!events.has(victim) || Number.isNaN(outAtMs) || Number.isNaN(inAtMs)) {
    const servers = await scene.router.servers()
    const serves = (name: string) =>
      servers.some(({ instance, admin, up }) => instance === name && admin === 'ready' && up)
    if (Number.isNaN(outAtMs) && !serves(victim)) outAtMs = now()
    if (Number.isNaN(inAtMs) && serves(standby)) inAtMs = now()
  }
  return { event: events.get(victim) ?? Number.NaN, out: outAtMs, in: inAtMs }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

function routeMs(entries: readonly RecordedEntry[], instance: string): number {
  const [intent, done] = ['route.intent', 'route.done'].map((kind) =>
    entries.find((entry) => entry.kind === kind && entry.instance === instance),
  )
  return (done?.atMs ?? Number.NaN) - (intent?.atMs ?? Number.NaN)
}
