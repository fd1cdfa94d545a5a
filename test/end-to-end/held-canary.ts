/** A rollout that stays in its first step until somebody steers it. */
import { type ChildProcess } from 'node:child_process'
import type { RolloutStatus } from '../../src/model/report.ts'
import { eventually } from './eventually.ts'
import type { Scene } from './scene.ts'

/** The key `rollout` of the stack file. */
export const heldCanary = {
  strategy: 'canary',
  steps: [{ share: '5%', for: '10m', requests: 0 }],
  verdict: { window: '0s', requests: 0 },
}

/** An `up` whose canary has its share. */
export async function startHeldUp(scene: Scene): Promise<ChildProcess> {
  const up = scene.start('up')
  up.stdout?.resume()
  await eventually('the canary has its share', async () => (await rolloutOf(scene))?.share === 5)
  return up
}

export async function rolloutOf(scene: Scene): Promise<RolloutStatus | undefined> {
  return (await scene.status()).services[0]?.rollout
}
