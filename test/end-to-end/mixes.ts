/** Kinds of requests that promises hold for: over connections that are kept or not, repeatable or not. */
import type { LoadPlan } from '../load/generate.ts'
import type { LoadReport } from '../load/tally.ts'
import type { Scene } from './scene.ts'
import { isSoak } from './soak.ts'

type Mode = Pick<LoadPlan, 'connections' | 'methods'>

/** Loads at the same time. */
export type Mix = readonly Mode[]

const connections = ['keep-alive', 'new'] as const
const ratePerSecond = 500

/** Both kinds of connections at once, or, to soak, one at a time. */
export const mixes: readonly Mix[] = isSoak
  ? connections.flatMap((kind) =>
      (['GET', 'POST'] as const).map((method) => [{ connections: kind, methods: [method] }]),
    )
  : [connections.map((kind) => ({ connections: kind, methods: ['GET', 'POST'] }))]

/** Seldom enough that sixty instances on two cores are not busy with it, and patient with so few cores. */
export const calmHealth = { http: '/healthz', interval: '1s', timeout: '5s', healthyAfter: 1 }

/** The loads of a mix, which share 500 requests a second. */
export async function loadOf(scene: Scene, mix: Mix): Promise<{ stop(): Promise<readonly LoadReport[]> }> {
  const loads = await Promise.all(mix.map((mode) => scene.load({ ...mode, ratePerSecond: ratePerSecond / mix.length })))
  return { stop: () => Promise.all(loads.map((load) => load.stop())) }
}

export function words(mix: Mix): string {
  return mix.map((mode) => `${mode.connections}, ${mode.methods.join(' and ')}`).join('; ')
}
