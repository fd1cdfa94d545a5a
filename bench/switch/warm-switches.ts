/** How long it takes from the command until the version before answers, while its fleet is warm. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import { splitFile } from '../../src/router/haproxy/config.ts'
import { MasterSocket } from '../../src/router/haproxy/master-socket.ts'
import { poolName } from '../../src/router/router.ts'
import { eventually } from '../../test/end-to-end/eventually.ts'
import type { Scene } from '../../test/end-to-end/scene.ts'
import { type Probed, Prober } from './prober.ts'

export interface SwitchResult {
  /** From when the command was sent until the first answer of the other version. */
  readonly commandMs: readonly number[]
  /** The same from when all of the command was in the controller's socket. */
  readonly reachedMs: readonly number[]
  /** The same from when the decision was on record. */
  readonly decidedMs: readonly number[]
  /** The same for an entry that is set in HAProxy's map, with no controller. */
  readonly rawMs: readonly number[]
  /** Answers of the version that was left to requests that were sent after the first answer of the other one. */
  readonly late: number
  readonly failed: number
}

const greetings = ['first', 'second'] as const
/** Between one switch and the next. */
const restMs = 500

export async function measureSwitches(
  scene: Scene,
  {
    replicas,
    ratePerSecond,
    count,
  }: { readonly replicas: number; readonly ratePerSecond: number; readonly count: number },
): Promise<SwitchResult> {
  await bringUpBoth(scene, replicas)
  const prober = new Prober(scene.url, ratePerSecond)
  await eventually('the second version answers', () => prober.answers.some(({ release }) => release === 'second'))
  const scope = { stack: scene.stack, environment: 'default' }
  const client = createClient(socketPath(scene.home))
  const reached = watchCommands()
  const switched = await repeated(ways('second', count), prober, async () => {
    for await (const report of client.rollback({ ...scope, by: 'bench' }))
      if (report.kind === 'error' || (report.kind === 'result' && !report.result.ok))
        throw new Error(`a rollback failed: ${JSON.stringify(report)}`)
  })
  reached.stop()
  const decided = await decisions(scene)
  await scene.killController()
  const raw = await repeated(ways(switched.at(-1)?.to ?? '', count), prober, flipper(scene))
  await prober.stop()
  return {
    commandMs: switched.map(({ beganMs, firstMs }) => firstMs - beganMs),
    reachedMs: switched.map(({ firstMs }, index) => firstMs - (reached.times[index] ?? Number.NaN)),
    decidedMs: switched.map(({ firstMs }, index) => performance.timeOrigin + firstMs - (decided[index] ?? Number.NaN)),
    rawMs: raw.map(({ beganMs, firstMs }) => firstMs - beganMs),
    late: [...switched, ...raw].reduce((sum, { late }) => sum + late, 0),
    failed: prober.answers.filter(({ ok }) => !ok).length,
  }
}

/** When each request that the client makes was in the socket, by `performance.now()`. The prober's are none of it. */
function watchCommands() {
  const times: number[] = []
  const onRequest = (message: unknown) => {
    const { request } = message as { readonly request: ClientRequest }
    request.once('finish', () => times.push(performance.now()))
  }
  subscribe('http.client.request.start', onRequest)
  return { times, stop: () => unsubscribe('http.client.request.start', onRequest) }
}

async function bringUpBoth(scene: Scene, replicas: number): Promise<void> {
  for (const greeting of greetings) {
    await scene.declare({
      replicas,
      health: { http: '/healthz', interval: '1s' },
      rollout: { strategy: 'blueGreen', keepWarm: '1h' },
      environment: { GREETING: greeting },
    })
    await scene.succeed('up')
  }
}

interface Way {
  readonly from: string
  readonly to: string
}

/** There and back again, so many times. */
function ways(serving: string, count: number): readonly Way[] {
  return Array.from({ length: count }, (_, index) => {
    const isServing = (greeting: string) => (greeting === serving) === (index % 2 === 0)
    return { from: greetings.find(isServing) ?? '', to: greetings.find((greeting) => !isServing(greeting)) ?? '' }
  })
}

interface Switched extends Way {
  readonly beganMs: number
  readonly firstMs: number
  readonly late: number
}

/** Goes each of these ways, one after the other. */
async function repeated(
  plan: readonly Way[],
  prober: Prober,
  flip: (to: string) => Promise<void>,
): Promise<readonly Switched[]> {
  const switched: Switched[] = []
  for (const { from, to } of plan) {
    const beganMs = performance.now()
    await flip(to)
    await eventually(`${to} answers`, () => prober.answers.some(isAnswer(to, beganMs)))
    await delay(restMs)
    const firstMs = prober.answers.find(isAnswer(to, beganMs))?.atMs ?? Number.NaN
    const late = prober.answers.filter(({ sentMs, release }) => sentMs > firstMs && release === from).length
    switched.push({ from, to, beganMs, firstMs, late })
  }
  return switched
}

function isAnswer(to: string, afterMs: number): (probed: Probed) => boolean {
  return ({ atMs, release }) => release === to && atMs > afterMs
}

/** When each rollback was on record, as times of day. */
async function decisions(scene: Scene): Promise<readonly number[]> {
  return (await scene.entries()).filter(({ kind }) => kind === 'decision.rollback').map(({ atMs }) => atMs)
}

/** What a switch takes at least: one command to HAProxy. */
function flipper(scene: Scene): (to: string) => Promise<void> {
  const master = new MasterSocket(join(scene.home, 'haproxy'))
  const pool = poolName({ stack: scene.stack, environment: 'default', service: 'web' })
  return async () => {
    const { current = 0 } = (await master.processes()) ?? {}
    const shown = await master.tell(current, `show map ${splitFile}`)
    const toB = shown.trimEnd().endsWith(' 1000') ? 0 : 1_000
    await master.tell(current, `set map ${splitFile} ${pool} ${toB}`, `show map ${splitFile}`)
  }
}
