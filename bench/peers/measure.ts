/** One way to measure every peer: a change and the way back, each under a steady load. */
import { setTimeout as delay } from 'node:timers/promises'
import { startLoad } from '../../test/load/load-process.ts'
import { changeFigures, type ChangeFigures } from './figures.ts'
import type { Entrance, Peer } from './peer.ts'

export interface Measured {
  /** One of each in every round. */
  readonly changes: readonly ChangeFigures[]
  readonly waysBack: readonly ChangeFigures[]
}

export interface MeasurePlan {
  readonly instances: number
  readonly rounds: number
  /** Ends it. */
  readonly signal: AbortSignal
}

export const ratePerSecond = 300

/** The load goes on for so long before a change, and after the peer has said that it is done. */
const calmMs = 1_000
const settleMs = 2_000

/** Takes away what the peer has made, also when something fails or is ended. */
export async function measure(peer: Peer, plan: MeasurePlan): Promise<Measured> {
  plan.signal.throwIfAborted()
  const measuring = measureRounds(peer, plan)
  try {
    return await Promise.race([measuring, aborted(plan.signal)])
  } finally {
    await peer.stop()
    // What was under way when the signal came may have made something meanwhile.
    await measuring.catch(() => {})
    await peer.stop()
  }
}

async function measureRounds(peer: Peer, { instances, rounds, signal }: MeasurePlan): Promise<Measured> {
  const entrance = await peer.start(instances, 'old')
  const subject = { peer, instances, entrance }
  const changes: ChangeFigures[] = []
  const waysBack: ChangeFigures[] = []
  for (let round = 1; round <= rounds; round += 1) {
    signal.throwIfAborted()
    const release = `new ${round}`
    changes.push(await underLoad(subject, release, () => peer.change(release)))
    signal.throwIfAborted()
    waysBack.push(await underLoad(subject, 'old', () => peer.rollBack()))
  }
  return { changes, waysBack }
}

interface Subject {
  readonly peer: Peer
  readonly instances: number
  readonly entrance: Entrance
}

async function underLoad(
  { peer, instances, entrance }: Subject,
  to: string,
  work: () => Promise<void>,
): Promise<ChangeFigures> {
  await peer.rest()
  const plan = { url: entrance.url, ratePerSecond, connections: 'new', traced: true } as const
  const load = await startLoad(plan, entrance.namespace)
  try {
    await delay(calmMs)
    const askedAtMs = Date.now()
    await work()
    const doneAtMs = Date.now()
    await delay(settleMs)
    const { trace = [] } = await load.stop()
    const early = trace.find(({ kind, atMs }) => kind === 'failure' && atMs < askedAtMs)
    if (early) throw new Error(`${peer.name} lost requests before it was asked for anything`)
    return changeFigures(trace, { instances, to, askedAtMs, doneAtMs })
  } finally {
    load.kill()
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true })
  })
}
