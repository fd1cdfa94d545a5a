/** Watches, in HAProxy's own view, how many servers are in rotation and up while something changes. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { PooledServer } from '../../src/router/haproxy/lanes.ts'
import type { RouterView } from './router-view.ts'
import type { Scene } from './scene.ts'

const pauseMs = 10

interface Sampled {
  readonly samples: number
  /** The fewest that were ready in any sample. */
  readonly least: number
  /** What HAProxy said of the others then. */
  readonly others: readonly string[]
}

export interface FloorReport extends Sampled {
  /** Why instances were taken out of rotation meanwhile. */
  readonly reasons: readonly string[]
}

interface FloorWatch {
  stop(): Promise<Sampled>
}

export function watchFloor(router: RouterView): FloorWatch {
  const end = new AbortController()
  const sampled = sample(router, end.signal)
  sampled.catch(() => {})
  return {
    stop: () => {
      end.abort()
      return sampled
    },
  }
}

/** Runs a command that replaces the fleet while HAProxy is asked how many are ready. */
export async function watched(scene: Scene, replicas: number, command: string): Promise<FloorReport> {
  const watch = watchFloor(scene.router)
  const before = (await scene.entries()).length
  expect(await scene.succeed(command)).toMatchObject({ ok: true, changed: true, services: [{ ready: replicas }] })
  const left = (await scene.entries()).slice(before).filter(({ kind }) => kind === 'unroute.intent')
  return { ...(await watch.stop()), reasons: left.map(({ instance, message }) => `${instance}: ${message}`) }
}

export function expectFloor({ samples, least, others, reasons }: FloorReport, floor: number): void {
  expect(samples).toBeGreaterThan(3)
  const words = `not ready then: ${others.join('; ')}; taken out: ${reasons.join('; ')}`
  expect(least, words).toBeGreaterThanOrEqual(floor)
}

async function sample(router: RouterView, signal: AbortSignal): Promise<Sampled> {
  let report: Sampled = { samples: 0, least: Number.POSITIVE_INFINITY, others: [] }
  while (!signal.aborted) {
    const { ready, others } = Object.groupBy(await router.inRotation(), (server) =>
      isReady(server) ? 'ready' : 'others',
    )
    const least = ready?.length ?? 0
    report = { ...report, samples: report.samples + 1, ...(least < report.least && { least, others: wordsOf(others) }) }
    await delay(pauseMs)
  }
  return report
}

/** New requests can go to it. */
function isReady({ admin, up }: PooledServer): boolean {
  return admin === 'ready' && up
}

function wordsOf(servers: readonly PooledServer[] = []): readonly string[] {
  return servers.map(({ instance, admin, up }) => `${instance}: ${admin}${up ? '' : ', down'}`)
}
