/** The canary strategy: the new version gets a growing share of the requests, each for a time and a number of answers. */
import type { CanaryStep } from '../model/stack.ts'
import { allRequests, type Stage } from './stage.ts'

/** As many instances as the share would need, and at least one; the old fleet stays whole beside them. */
export function canaryStages(steps: readonly CanaryStep[], replicas: number): readonly Stage[] {
  return steps.map(({ share, holdMs, requests }) => ({
    count: Math.min(replicas, Math.max(1, Math.ceil(share * replicas - 1e-9))),
    share: Math.round(share * allRequests),
    holdMs,
    requests,
  }))
}
