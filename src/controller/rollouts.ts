/** The running rollouts, and what was seen of each: enough to give a verdict in every pass. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type Fleet, type FleetInstance, isEnding, isLeaving, isReady } from '../plan/fleet.ts'
import { verdict, type Verdict } from '../rollout/verdict.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { Clock } from '../system/clock.ts'

interface Progress {
  readonly record: RolloutRecord
  progressAtMs: number
  mostReady: number
  readonly everReady: Set<string>
  readonly stillborn: Set<string>
  symptom?: Symptom
}

/** What the newest failing instance of the new version showed. */
interface Symptom {
  readonly instance: string
  readonly detail: string
}

export class Rollouts {
  readonly #clock: Pick<Clock, 'steady'>
  readonly #running = new Map<string, Progress>()

  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock
  }

  begin(record: RolloutRecord): void {
    const seen = {
      progressAtMs: this.#clock.steady(),
      mostReady: 0,
      everReady: new Set<string>(),
      stillborn: new Set<string>(),
    }
    this.#running.set(fleetName(record), { record, ...seen })
  }

  end(key: FleetKey): void {
    this.#running.delete(fleetName(key))
  }

  of(key: FleetKey): RolloutRecord | undefined {
    return this.#running.get(fleetName(key))?.record
  }

  symptomOf(key: FleetKey): Symptom | undefined {
    return this.#running.get(fleetName(key))?.symptom
  }

  /** Time in which nothing could be seen does not count against any deadline. */
  excuse(blindMs: number): void {
    for (const progress of this.#running.values()) progress.progressAtMs += blindMs
  }

  /** When the next deadline passes. */
  nextDeadline(key: FleetKey, service: ServiceRelease): number | undefined {
    const progress = this.#running.get(fleetName(key))
    return progress && progress.progressAtMs + service.rollout.deadlineMs
  }

  /** Takes in what this pass saw of the fleet, and judges; undefined where no rollout runs. */
  judge(fleet: Fleet, service: ServiceRelease, broken: string | undefined): Verdict | undefined {
    const nowMs = this.#clock.steady()
    const progress = this.#running.get(fleetName(fleet.key))
    if (!progress) return undefined
    const fresh = fleet.instances.filter((instance) => instance.version === progress.record.to && !instance.condemned)
    const ready = fresh.filter((instance) => isReady(instance, fleet.target))
    take(progress, fleet, ready.length, nowMs)
    const symptom = progress.symptom && `${progress.symptom.instance}: ${progress.symptom.detail}`
    return verdict(
      {
        replicas: service.replicas,
        ready: ready.length,
        outdated: outdated(fleet, progress.record.to),
        stillborn: progress.stillborn.size,
        progressAtMs: progress.progressAtMs,
        deadlineMs: service.rollout.deadlineMs,
        ...(broken !== undefined && { cannotRun: broken }),
        ...(symptom !== undefined && { symptom }),
      },
      nowMs,
    )
  }
}

function take(progress: Progress, fleet: Fleet, ready: number, nowMs: number): void {
  if (ready > progress.mostReady) {
    progress.mostReady = ready
    progress.progressAtMs = nowMs
  }
  for (const instance of fleet.instances) {
    if (instance.version !== progress.record.to) continue
    const identity = `${instance.name}@${instance.createdAtMs}`
    if (isReady(instance, fleet.target)) progress.everReady.add(identity)
    else if (isStillborn(instance) && !progress.everReady.has(identity)) progress.stillborn.add(identity)
    if (!isReady(instance, fleet.target) && instance.detail !== undefined)
      progress.symptom = { instance: instance.name, detail: instance.detail }
  }
}

/** It ended by itself: one that was told to says nothing of its version. */
function isStillborn(instance: FleetInstance): boolean {
  return instance.phase === 'exited' && !isEnding(instance)
}

/** Instances that still have to leave rotation, or could serve and are not wanted. */
function outdated(fleet: Fleet, to: VersionId): number {
  const remaining = fleet.instances.filter(
    (instance) => (instance.phase === 'running' || instance.phase === 'created') && !isLeaving(instance),
  )
  const others = remaining.filter((instance) => instance.version !== to || instance.condemned).length
  const surplus = Math.max(0, remaining.length - others - fleet.target.replicas)
  return others + surplus
}
