/** What a rollout that moves traffic by shares goes through, one stage after the other. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import { blueGreenStages } from './blue-green.ts'
import { canaryStages } from './canary.ts'
import { allRequests, type Stage } from './stage.ts'

/** `isSwitch`: back to a version that was proven before, at once. Undefined for a strategy without shares, or without instances. */
export function stagesOf(
  { rollout, replicas }: Pick<ServiceRelease, 'rollout' | 'replicas'>,
  isSwitch: boolean,
): readonly Stage[] | undefined {
  if (rollout.strategy !== 'blueGreen' && rollout.strategy !== 'canary') return undefined
  if (replicas === 0) return undefined
  if (isSwitch) return [{ count: replicas, share: allRequests, holdMs: 0, requests: 0 }]
  const last = blueGreenStages(replicas, rollout.verdict)
  return rollout.strategy === 'canary' ? [...canaryStages(rollout.steps, replicas), ...last] : last
}
