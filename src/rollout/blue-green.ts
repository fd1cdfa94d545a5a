/** The blue/green strategy: the whole new fleet is ready, and then all requests go there at once. */
import type { VerdictPolicy } from '../model/stack.ts'
import { allRequests, type Stage } from './stage.ts'

export function blueGreenStages(replicas: number, verdict: VerdictPolicy | undefined): readonly Stage[] {
  const { windowMs, requests } = verdict ?? { windowMs: 0, requests: 0 }
  return [{ count: replicas, share: allRequests, holdMs: windowMs, requests }]
}
