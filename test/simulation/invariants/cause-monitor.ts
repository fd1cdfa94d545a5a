/**
 * A rollout of a version that can run is only taken back for a cause: instances that ended, time that was lost, requests
 * that did not come, a pause that took too long, an escalation, or somebody who wanted it.
 */
import { fleetName } from '../../../src/model/stack.ts'
import { becomesHealthy } from '../catalogue.ts'
import { needsRequests, type Decided, type Decree, type Rollout } from '../decided.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { failedOf } from './abort-monitor.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

/** So many instances that end early are a cause. */
const causeCount = 3
/** So many that are touched may escalate: the fewest that any history asks for. */
const escalationCount = 2

interface Course {
  readonly sinceMs: number
  pausedSinceMs: number | undefined
}

export class CauseMonitor implements Monitor {
  /** Of running rollouts, by id. */
  readonly #courses = new Map<number, Course>()
  readonly #decided: Pick<Decided, 'isRefused'>
  #clockJumpedAtMs = -Infinity
  /** Also before the rollout began. */
  #struckEver = 0
  /** When instances were struck, and how many may have been. */
  readonly #strokes: { readonly atMs: number; readonly count: number }[] = []

  constructor(decided: Pick<Decided, 'isRefused'>) {
    this.#decided = decided
  }

  onDisturbance({ kind }: Disturbance, { nowMs }: WorldTruth): void {
    if (kind === 'clock') this.#clockJumpedAtMs = nowMs
    if (kind === 'controller' || kind === 'clock') return
    const count = kind === 'all' ? causeCount : kind === 'instance' ? 1 : 0
    this.#strokes.push({ atMs: nowMs, count })
    this.#struckEver += count
  }

  onRolloutChange({ record: before }: Rollout, { record: after }: Rollout, { nowMs }: WorldTruth): void {
    const course = this.#courses.get(after.id)
    if (!course || before.pausedAtMs === after.pausedAtMs) return
    course.pausedSinceMs = after.pausedAtMs === undefined ? undefined : (course.pausedSinceMs ?? nowMs)
  }

  onDecision(decree: Decree, { nowMs }: WorldTruth): void {
    for (const { record } of decree.started) this.#courses.set(record.id, { sinceMs: nowMs, pausedSinceMs: undefined })
    const failed = decree.decision === 'abort' ? failedOf(decree) : undefined
    const course = failed && this.#courses.get(failed.record.id)
    if (!failed || !course || decree.by !== 'repave' || this.#hasCause(decree, failed, course, nowMs)) return
    const { record, service } = failed
    throw new ViolationError(
      'aborted for a cause',
      `${fleetName(record)} can run ${service.imageName}, and it is taken back`,
    )
  }

  #hasCause(
    { reason }: Decree,
    { record, service }: Rollout,
    { sinceMs, pausedSinceMs = Infinity }: Course,
    nowMs: number,
  ): boolean {
    if (!becomesHealthy(record.service, service.imageName) || this.#decided.isRefused(record, service)) return true
    if (nowMs - pausedSinceMs >= (service.rollout.maxPauseMs ?? Infinity)) return true
    // What passed under an earlier controller is told by the time of day.
    if (pausedSinceMs <= this.#clockJumpedAtMs) return true
    const strokes = this.#strokes.filter(({ atMs }) => atMs >= sinceMs)
    const struck = strokes.reduce((sum, { count }) => sum + count, 0)
    const isOverdue = nowMs - sinceMs >= service.rollout.deadlineMs
    const lacksRequests =
      needsRequests(service) && service.replicas > 0 && record.from !== record.to && record.from !== null
    // The requests of one that was struck fail, and that is held against it.
    if (struck > 0 && service.rollout.verdict) return true
    if (reason.startsWith('escalated: ') && this.#struckEver >= escalationCount) return true
    return struck >= causeCount || ((strokes.length > 0 || lacksRequests) && isOverdue)
  }
}
