/** How long it takes from a touch until the instance gets no request, until a clean one serves, and until it is evidence. */
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import type { PooledServer } from '../../src/router/haproxy/lanes.ts'
import type { EvidenceReport } from '../../src/model/report.ts'
import type { RecordedEntry } from '../../src/store/store.ts'
import { eventually } from '../../test/end-to-end/eventually.ts'
import type { Scene } from '../../test/end-to-end/scene.ts'
import { type Act, acts, victimOf } from './acts.ts'

export interface TouchPlan {
  readonly replicas: number
  readonly standby: number
  readonly ratePerSecond: number
  /** How many touches in all. */
  readonly count: number
}

/** One touch; times are of the day. */
export interface Reaction {
  readonly what: string
  readonly victim: string
  /** Just before whatever did it was told to. */
  readonly actMs: number
  /** What was done was told, by the time in its evidence; absent where that is not kept. */
  readonly toldMs?: number
  /** HAProxy gives it nothing. */
  readonly outMs: number
  /** As many clean ones serve as should. */
  readonly cleanMs: number
  /** Of the victim since then, by kind: when each came on the record. */
  readonly recordedMs: Readonly<Record<string, number>>
}

export interface TouchResult {
  readonly reactions: readonly Reaction[]
  readonly requests: number
  /** Of those that were not in flight on a touched instance. */
  readonly failed: number
  /** Of those that were, and may not be tried again. */
  readonly cut: number
}

/** Where three are touched within ten seconds, the sensor would be suspected. */
const restMs = 5_100
const longestMs = 30_000

export async function measureTouches(scene: Scene, plan: TouchPlan): Promise<TouchResult> {
  const { replicas, standby, ratePerSecond, count } = plan
  const guard = { escalation: { after: 1_000 } }
  const writable = { tmpfs: ['/tmp'] }
  await scene.declare({ replicas, standby, guard, ...writable, health: { http: '/healthz', interval: '1s' } })
  await scene.succeed('up')
  const loads = await Promise.all([
    scene.load({ ratePerSecond: ratePerSecond * 0.8 }),
    scene.load({ ratePerSecond: ratePerSecond * 0.2, methods: ['POST'], connections: 'new' }),
  ])
  const reactions: Omit<Reaction, 'recordedMs'>[] = []
  for (let index = 0; index < count; index += 1) {
    reactions.push(await touchOne(scene, plan, acts[index % acts.length]!))
    await delay(restMs)
  }
  const reports = await Promise.all(loads.map((load) => load.stop()))
  const entries = await scene.entries()
  const evidence = await createClient(socketPath(scene.home)).evidence({ stack: scene.stack })
  const failures = reports.flatMap((report) => report.failures)
  const isInFlight = ({ sentAtMs, atMs, request }: (typeof failures)[number]) =>
    request === 'POST' && reactions.some(({ actMs, outMs }) => atMs >= actMs && sentAtMs <= outMs)
  const cut = failures.filter(isInFlight).length
  return {
    reactions: reactions.map((reaction) => ({
      ...reaction,
      ...told(evidence, reaction),
      recordedMs: recorded(entries, reaction),
    })),
    requests: reports.reduce((sum, { requests }) => sum + requests, 0),
    failed: failures.length - cut,
    cut,
  }
}

async function touchOne(
  scene: Scene,
  { replicas, standby }: TouchPlan,
  act: Act,
): Promise<Omit<Reaction, 'recordedMs'>> {
  const victim = await victimOf(scene, await nextVictim(scene, replicas, standby))
  const actMs = now()
  const touched = act.touch(scene, victim)
  // It is awaited below; what comes before that may take its time.
  touched.catch(() => {})
  let [outMs, cleanMs] = [Number.NaN, Number.NaN]
  while (Number.isNaN(outMs) || Number.isNaN(cleanMs)) {
    if (now() - actMs > longestMs) throw new Error(`after ${longestMs} ms nothing has become of ${act.what}`)
    const serving = (await scene.router.servers()).filter(isServing).map(({ instance }) => instance)
    if (Number.isNaN(outMs) && !serving.includes(victim.name)) outMs = now()
    if (!Number.isNaN(outMs) && serving.filter((name) => name !== victim.name).length >= replicas) cleanMs = now()
    await delay(1)
  }
  await touched
  return { what: act.what, victim: victim.name, actMs, outMs, cleanMs }
}

/** The oldest, once all is whole. */
async function nextVictim(scene: Scene, replicas: number, standby: number): Promise<string> {
  const client = createClient(socketPath(scene.home))
  let victim: string | undefined
  await eventually('the fleet is whole', async () => {
    const [report] = await client.status({ stack: scene.stack })
    const instances = report?.services[0]?.instances ?? []
    const ready = instances.filter(({ state }) => state === 'ready')
    victim = ready.toSorted((a, b) => b.ageSeconds - a.ageSeconds)[0]?.name
    const spare = instances.filter(({ state }) => state === 'standby').length
    return ready.length === replicas && spare === standby && instances.length === replicas + standby
  })
  return victim ?? ''
}

function isServing({ admin, up }: PooledServer): boolean {
  return admin === 'ready' && up
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

/** The first touch of it that its evidence has. */
function told(
  evidence: readonly EvidenceReport[],
  { victim, actMs }: Omit<Reaction, 'recordedMs'>,
): Pick<Reaction, 'toldMs'> {
  const times = evidence
    .filter(({ instance }) => instance === victim)
    .flatMap(({ touches }) => touches.map(({ atMs }) => atMs))
    .filter((atMs) => atMs >= Math.floor(actMs))
  return times.length === 0 ? {} : { toldMs: Math.min(...times) }
}

/** When its entries since the touch came on the record; the first of each kind. */
function recorded(
  entries: readonly RecordedEntry[],
  { victim, actMs }: Omit<Reaction, 'recordedMs'>,
): Readonly<Record<string, number>> {
  const since = entries.filter(({ instance, atMs }) => instance === victim && atMs >= Math.floor(actMs))
  return Object.fromEntries(since.toReversed().map(({ kind, atMs }) => [kind, atMs]))
}
