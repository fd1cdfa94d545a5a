/** The running rollouts, and what was seen of each: enough to give a verdict in every pass. */
import { type FleetKey, fleetName, defaultMaxPauseMs } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type Fleet, type FleetInstance, isEnding, isLeaving, isReady, isRouted } from '../plan/fleet.ts'
import { isPrepared, wantedSplit } from '../plan/split.ts'
import { stagesOf } from '../rollout/stages.ts'
import { verdict, type Verdict } from '../rollout/verdict.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { Clock } from '../system/clock.ts'

interface Progress {
  readonly record: RolloutRecord
  /** What the fleet had before; undefined: nothing. */
  readonly from: ServiceRelease | undefined
  progressAtMs: number
  mostReady: number
  /** Since when all is as the stage wants it. */
  heldSinceMs: number | undefined
  readonly everReady: Set<string>
  readonly stillborn: Set<string>
  symptom?: Symptom
}

/** What the newest failing instance of the new version showed. */
interface Symptom {
  readonly instance: string
  readonly detail: string
}

/** What the requests say of the new version. */
export interface Findings {
  /** In words, what shows that it is worse than the old one. */
  readonly worse?: string
  /** In words, what is not known yet and has to be. */
  readonly unknown?: string
  /** How many answers it gave in this stage, and how many there have to be. */
  readonly answers: number
  readonly requests: number
}

/** What a pass has to know of the fleet beside its view. */
export interface Circumstances {
  /** The engine's words when it can't run the new version at all. */
  readonly broken?: string
  readonly findings: Findings
}

export class Rollouts {
  readonly #clock: Pick<Clock, 'steady' | 'now'>
  readonly #running = new Map<string, Progress>()

  constructor(clock: Pick<Clock, 'steady' | 'now'>) {
    this.#clock = clock
  }

  begin(record: RolloutRecord, from: ServiceRelease | undefined): void {
    const seen = {
      from,
      progressAtMs: this.#clock.steady(),
      mostReady: 0,
      heldSinceMs: undefined,
      everReady: new Set<string>(),
      stillborn: new Set<string>(),
    }
    this.#running.set(fleetName(record), { record, ...seen })
  }

  /** What is recorded of it has changed: its stage, a pause, or that somebody promoted it. */
  change(record: RolloutRecord): void {
    const progress = this.#running.get(fleetName(record))
    if (progress?.record.id !== record.id) return
    const isStep = record.stage !== progress.record.stage
    const nowMs = this.#clock.steady()
    this.#running.set(fleetName(record), {
      ...progress,
      record,
      progressAtMs: nowMs,
      heldSinceMs: isStep ? undefined : progress.heldSinceMs,
    })
  }

  end(key: FleetKey): void {
    this.#running.delete(fleetName(key))
  }

  of(key: FleetKey): RolloutRecord | undefined {
    return this.#running.get(fleetName(key))?.record
  }

  /** What the fleet had when its rollout began. */
  fromOf(key: FleetKey): ServiceRelease | undefined {
    return this.#running.get(fleetName(key))?.from
  }

  /** Since when its present stage is held, on the steady clock. */
  heldSinceMs(key: FleetKey): number | undefined {
    return this.#running.get(fleetName(key))?.heldSinceMs
  }

  symptomOf(key: FleetKey): Symptom | undefined {
    return this.#running.get(fleetName(key))?.symptom
  }

  /** Time in which nothing could be seen does not count against any deadline. */
  excuse(blindMs: number): void {
    for (const progress of this.#running.values()) progress.progressAtMs += blindMs
  }

  /** It waits for another service: its time has not begun. */
  postpone(key: FleetKey): void {
    const progress = this.#running.get(fleetName(key))
    if (progress) progress.progressAtMs = this.#clock.steady()
  }

  /** When time alone may change its verdict next. */
  nextTimeMs(key: FleetKey, service: ServiceRelease): number | undefined {
    const progress = this.#running.get(fleetName(key))
    if (!progress) return undefined
    const { record, heldSinceMs } = progress
    const nowMs = this.#clock.steady()
    if (record.pausedAtMs !== undefined) return nowMs + maxPauseOf(service) - this.#pausedMs(record)
    if (heldSinceMs === undefined) return progress.progressAtMs + service.rollout.deadlineMs
    const endMs = heldSinceMs + holdOf(record, service).holdMs
    return endMs > nowMs ? endMs : endMs + service.rollout.deadlineMs
  }

  /** Takes in what this pass saw of the fleet, and judges; undefined where no rollout runs. */
  judge(fleet: Fleet, service: ServiceRelease, { broken, findings }: Circumstances): Verdict | undefined {
    const nowMs = this.#clock.steady()
    const progress = this.#running.get(fleetName(fleet.key))
    if (!progress) return undefined
    const { record } = progress
    const { holdMs, isLast } = holdOf(record, service)
    const ready = freshOf(fleet, record.to).filter((instance) => couldServe(instance, fleet))
    take(progress, fleet, ready.length, nowMs)
    const isReached = hasReached(fleet, service, ready.length)
    progress.heldSinceMs = isReached ? (progress.heldSinceMs ?? nowMs) : undefined
    const symptom = progress.symptom && `${progress.symptom.instance}: ${progress.symptom.detail}`
    return verdict({
      isReached,
      isLast,
      heldMs: progress.heldSinceMs === undefined ? 0 : nowMs - progress.heldSinceMs,
      holdMs,
      ...findings,
      isPromoted: record.isPromoted === true,
      ...(record.pausedAtMs !== undefined && { pausedMs: this.#pausedMs(record) }),
      maxPauseMs: maxPauseOf(service),
      stillborn: progress.stillborn.size,
      idleMs: nowMs - progress.progressAtMs,
      deadlineMs: service.rollout.deadlineMs,
      ready: ready.length,
      wanted: service.replicas,
      ...(broken !== undefined && { cannotRun: broken }),
      ...(symptom !== undefined && { symptom }),
    })
  }

  /** By the time of day: a pause outlives the controller. */
  #pausedMs({ pausedAtMs }: RolloutRecord): number {
    return pausedAtMs === undefined ? 0 : Math.max(0, this.#clock.now() - pausedAtMs)
  }
}

function maxPauseOf({ rollout }: ServiceRelease): number {
  return rollout.maxPauseMs ?? defaultMaxPauseMs
}

/** How long, and for how many answers of the new version, the present stage of a rollout is held. */
export function holdOf(rollout: RolloutRecord, service: ServiceRelease) {
  const { stage = 0, isSwitch, from } = rollout
  if (!isOfNews(rollout, service)) return { holdMs: 0, requests: 0, isLast: true }
  const stages = from === null ? undefined : stagesOf(service, isSwitch === true)
  const present = stages?.[Math.min(stage, stages.length - 1)]
  if (stages && present) return { ...present, isLast: present === stages.at(-1) }
  const { windowMs: holdMs = 0, requests = 0 } = service.rollout.verdict ?? {}
  return { holdMs, requests, isLast: true }
}

/** Whether it brings a version that can be judged: not where the same one is to run in another way, or none at all. */
export function isOfNews({ from, to }: RolloutRecord, { replicas }: ServiceRelease): boolean {
  return from !== to && replicas > 0
}

/** Whether all is as the present stage wants it. */
function hasReached(fleet: Fleet, { replicas }: ServiceRelease, ready: number): boolean {
  const { target } = fleet
  const isStaged = target.share.isExclusive
  if (isStaged) return isPrepared(fleet) && wantedSplit(fleet) === fleet.split
  return ready >= replicas && wantedSplit(fleet) === fleet.split && outdated(fleet) === 0
}

function freshOf({ instances }: Fleet, to: VersionId): readonly FleetInstance[] {
  return instances.filter(({ version, condemned }) => version === to && !condemned)
}

/** Serves, or is in the router and would. */
function couldServe(instance: FleetInstance, { target }: Fleet): boolean {
  if (!target.routed) return isReady(instance, target)
  return isRouted(instance) && instance.phase === 'running' && instance.health === 'healthy' && !isLeaving(instance)
}

function take(progress: Progress, fleet: Fleet, ready: number, nowMs: number): void {
  if (ready > progress.mostReady) {
    progress.mostReady = ready
    progress.progressAtMs = nowMs
  }
  for (const instance of fleet.instances) {
    if (instance.version !== progress.record.to) continue
    const identity = `${instance.name}@${instance.createdAtMs}`
    const serves = couldServe(instance, fleet)
    if (serves) progress.everReady.add(identity)
    else if (isStillborn(instance) && !progress.everReady.has(identity)) progress.stillborn.add(identity)
    if (!serves && instance.detail !== undefined)
      progress.symptom = { instance: instance.name, detail: instance.detail }
  }
}

/** It ended by itself: one that was told to says nothing of its version. */
function isStillborn(instance: FleetInstance): boolean {
  return instance.phase === 'exited' && !isEnding(instance)
}

/** Instances that still have to leave rotation, or could serve and are not wanted. */
function outdated(fleet: Fleet): number {
  const { groups } = fleet.target
  const kept = new Map(groups.map(({ version, count }) => [version, count]))
  const remaining = fleet.instances.filter(
    (instance) => (instance.phase === 'running' || instance.phase === 'created') && !isLeaving(instance),
  )
  return remaining.filter(({ version, condemned }) => {
    const left = kept.get(version) ?? 0
    if (condemned || left === 0) return true
    kept.set(version, left - 1)
    return false
  }).length
}
