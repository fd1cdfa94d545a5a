/** The running rollouts, and what was seen of each: enough to give a verdict in every pass. */
import { identityOf } from '../model/identity.ts'
import { type FleetKey, fleetName, defaultMaxPauseMs } from '../model/stack.ts'
import type { ServiceRelease } from '../model/release.ts'
import { type Fleet, type FleetInstance, isEnding } from '../plan/fleet.ts'
import { couldServe, hasReached, readyOf, readyOfAll } from '../plan/reached.ts'
import { holdOf } from '../rollout/stages.ts'
import { type Trouble, verdict, type Verdict } from '../rollout/verdict.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { Clock } from '../system/clock.ts'

interface Progress {
  readonly record: RolloutRecord
  /** What the fleet had before; undefined: nothing. */
  readonly from: ServiceRelease | undefined
  progressAtMs: number
  judgedAtMs: number
  mostReady: number
  /** Of the other versions, where none may overlap with the new one: the least that were still there. */
  fewestLeft: number
  /** Since when all is as the stage wants it. */
  heldSinceMs: number | undefined
  /** Since when somebody has it paused, on the steady clock. */
  readonly pausedSinceMs: number | undefined
  /** Whose end says nothing of their version: they served, or ended while nobody could see what ended them. */
  readonly excused: Set<string>
  readonly stillborn: Set<string>
  /** Those that run and are not healthy, and since when. */
  readonly failingSinceMs: Map<string, number>
  /** Whether something may have happened that nobody saw: what has ended meanwhile says nothing of its version. */
  isUnseen: boolean
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
  /** What keeps the engine from running the new version at all. */
  readonly broken?: Trouble
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
      judgedAtMs: this.#clock.steady(),
      mostReady: 0,
      fewestLeft: Infinity,
      heldSinceMs: undefined,
      excused: new Set<string>(),
      stillborn: new Set<string>(),
      failingSinceMs: new Map<string, number>(),
      isUnseen: true,
      pausedSinceMs: this.#pausedSinceMs(record),
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
      pausedSinceMs: record.pausedAtMs === undefined ? undefined : (progress.pausedSinceMs ?? nowMs),
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

  /** How long it has been paused; undefined: it is not. */
  pausedForMs(key: FleetKey): number | undefined {
    const sinceMs = this.#running.get(fleetName(key))?.pausedSinceMs
    return sinceMs === undefined ? undefined : this.#clock.steady() - sinceMs
  }

  symptomOf(key: FleetKey): Symptom | undefined {
    return this.#running.get(fleetName(key))?.symptom
  }

  /** Time in which nothing could be seen does not count against any deadline. */
  excuse(blindMs: number): void {
    for (const progress of this.#running.values()) {
      progress.progressAtMs += blindMs
      for (const [instance, sinceMs] of progress.failingSinceMs)
        progress.failingSinceMs.set(instance, sinceMs + blindMs)
    }
  }

  /** Something may have happened that was neither told nor looked at. */
  noteUnseen(): void {
    for (const progress of this.#running.values()) progress.isUnseen = true
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
    const { record, heldSinceMs, pausedSinceMs } = progress
    const nowMs = this.#clock.steady()
    if (pausedSinceMs !== undefined) return pausedSinceMs + maxPauseOf(service)
    if (heldSinceMs === undefined) return progress.progressAtMs + service.rollout.deadlineMs
    const endMs = heldSinceMs + holdOf(record, service).holdMs
    return endMs > nowMs ? endMs : endMs + service.rollout.deadlineMs
  }

  /** Takes in what this pass saw of the fleet, and judges; undefined where no rollout runs. */
  judge(fleet: Fleet, service: ServiceRelease, { broken, findings }: Circumstances): Verdict | undefined {
    const nowMs = this.#clock.steady()
    const progress = this.#running.get(fleetName(fleet.key))
    if (!progress) return undefined
    const { record, pausedSinceMs } = progress
    const { holdMs, isLast } = holdOf(record, service)
    const ready = readyOf(fleet, record.to)
    take(progress, fleet, readyOfAll(fleet), nowMs)
    // Nothing new may be made yet: that is no delay of its own.
    if (nowMs < (fleet.heldUntilMs ?? 0)) progress.progressAtMs = nowMs
    const isReached = hasReached(fleet, service)
    // The time in which all was as its stage wants it does not count: only what was lost since has to come back.
    if (isReached && progress.heldSinceMs !== undefined) progress.progressAtMs += nowMs - progress.judgedAtMs
    progress.judgedAtMs = nowMs
    progress.heldSinceMs = isReached ? (progress.heldSinceMs ?? nowMs) : undefined
    const symptom = progress.symptom && `${progress.symptom.instance}: ${progress.symptom.detail}`
    return verdict({
      isReached,
      isLast,
      heldMs: progress.heldSinceMs === undefined ? 0 : nowMs - progress.heldSinceMs,
      holdMs,
      ...findings,
      isPromoted: record.isPromoted === true,
      ...(pausedSinceMs !== undefined && { pausedMs: nowMs - pausedSinceMs }),
      maxPauseMs: maxPauseOf(service),
      stillborn: progress.stillborn.size,
      failing: failing(progress, nowMs - service.rollout.deadlineMs / 2),
      idleMs: nowMs - progress.progressAtMs,
      deadlineMs: service.rollout.deadlineMs,
      ready,
      wanted: service.replicas,
      ...(broken !== undefined && { cannotRun: broken }),
      ...(symptom !== undefined && { symptom }),
    })
  }

  /** A pause outlives the controller: what passed before this one began is told by the time of day. */
  #pausedSinceMs({ pausedAtMs }: RolloutRecord): number | undefined {
    if (pausedAtMs === undefined) return undefined
    return this.#clock.steady() - Math.max(0, this.#clock.now() - pausedAtMs)
  }
}

function maxPauseOf({ rollout }: ServiceRelease): number {
  return rollout.maxPauseMs ?? defaultMaxPauseMs
}

function take(progress: Progress, fleet: Fleet, ready: number, nowMs: number): void {
  if (ready > progress.mostReady) {
    progress.mostReady = ready
    progress.progressAtMs = nowMs
  }
  const fresh = fleet.instances.filter(({ version }) => version === progress.record.to)
  // What ends before the new version may begin is no delay of its own.
  const left = fleet.target.isApart ? fleet.instances.length - fresh.length : 0
  if (left < progress.fewestLeft) {
    progress.fewestLeft = left
    progress.progressAtMs = nowMs
  }
  if (progress.isUnseen) for (const instance of fresh.filter(isStillborn)) progress.excused.add(identityOf(instance))
  progress.isUnseen = false
  for (const instance of fresh) {
    const identity = identityOf(instance)
    const serves = couldServe(instance, fleet.target)
    if (serves) progress.excused.add(identity)
    else if (isStillborn(instance) && !progress.excused.has(identity)) progress.stillborn.add(identity)
    if (!serves && instance.detail !== undefined)
      progress.symptom = { instance: instance.name, detail: instance.detail }
  }
  noteFailing(progress, new Set(fresh.filter(isFailing).map(identityOf)), nowMs)
}

function noteFailing({ failingSinceMs }: Progress, instances: ReadonlySet<string>, nowMs: number): void {
  for (const instance of failingSinceMs.keys()) if (!instances.has(instance)) failingSinceMs.delete(instance)
  for (const instance of instances) if (!failingSinceMs.has(instance)) failingSinceMs.set(instance, nowMs)
}

/** How many have been failing since then. */
function failing({ failingSinceMs }: Progress, atMs: number): number {
  return failingSinceMs
    .values()
    .filter((sinceMs) => sinceMs <= atMs)
    .toArray().length
}

function isFailing({ phase, health }: FleetInstance): boolean {
  return phase === 'running' && health !== 'healthy'
}

/** It ended by itself: one that was told to says nothing of its version. */
function isStillborn(instance: FleetInstance): boolean {
  return instance.phase === 'exited' && !isEnding(instance)
}
