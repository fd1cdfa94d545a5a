/** What a rollout that moves traffic by shares goes through, one stage after the other. Pure. */
import type { ServiceRelease } from '../model/release.ts'
import type { VersionId } from '../model/version.ts'
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

/** How far a rollout has come, and what from; null: the fleet had nothing. */
interface RolloutState {
  readonly from: VersionId | null
  readonly stage?: number
  readonly isSwitch?: boolean
}

/** Whether there is a version to be judged: not where the same one is to run in another way, or none at all. */
export function isOfNews(
  from: VersionId | null,
  { version, replicas }: Pick<ServiceRelease, 'version' | 'replicas'>,
): boolean {
  return from !== version && replicas > 0
}

/**
 * How long, and for how many answers of the new version, the present stage is held. Nothing is held where the version
 * stays, nor on the way back to one that was proven: who asks for that has judged. The first version has none to be
 * compared with, and often nobody who asks it: it is watched for its time, and needs no answers.
 */
export function holdOf(
  { from, stage = 0, isSwitch = false }: RolloutState,
  service: ServiceRelease,
): Pick<Stage, 'holdMs' | 'requests'> & { readonly isLast: boolean } {
  if (isSwitch || !isOfNews(from, service)) return { holdMs: 0, requests: 0, isLast: true }
  const stages = from === null ? undefined : stagesOf(service, isSwitch)
  const present = stages?.[Math.min(stage, stages.length - 1)]
  if (present) return { ...present, isLast: present === stages?.at(-1) }
  const { windowMs: holdMs = 0, requests = 0 } = service.rollout.verdict ?? {}
  return { holdMs, requests: from === null ? 0 : requests, isLast: true }
}

/** How long what the fleet had stays warm once a rollout has succeeded: only another version does. */
export function keepWarmMs(from: VersionId | null, service: ServiceRelease): number {
  const { version, rollout } = service
  if (from === null || from === version || stagesOf(service, false) === undefined) return 0
  return 'keepWarmMs' in rollout ? rollout.keepWarmMs : 0
}
