/** A rollout in simulated time: its verdict, by the rules that the controller gives it by. */
import type { ServiceRelease } from '../model/release.ts'
import { defaultMaxPauseMs } from '../model/stack.ts'
import { holdOf } from '../rollout/stages.ts'
import { verdict, type Verdict } from '../rollout/verdict.ts'
import type { Fleet } from './fleet.ts'
import { hasReached, readyOf, readyOfAll } from './reached.ts'
import type { RolloutPosition } from './target.ts'

/** How far a rollout has come that runs already. */
export interface RolloutStart {
  readonly from: ServiceRelease | undefined
  readonly stage: number
  readonly isSwitch: boolean
  readonly isPromoted: boolean
  /** For how long its stage has been held; absent: it is not held yet. */
  readonly heldForMs?: number
  /** Absent: it is not paused. */
  readonly pausedForMs?: number
}

interface Judged {
  readonly service: ServiceRelease
  readonly fleet: Fleet
  /** How many the new version gives in a second; Infinity: as many as it takes. */
  readonly answersPerSecond: number
}

export class RolloutRun {
  readonly #start: RolloutStart
  #stage: number
  #heldSinceMs: number | undefined
  #progressAtMs = 0
  #mostReady = 0
  #answersPerMs = Infinity

  constructor(start: RolloutStart) {
    this.#start = start
    this.#stage = start.stage
    this.#heldSinceMs = start.heldForMs === undefined ? undefined : -start.heldForMs
  }

  get from(): ServiceRelease | undefined {
    return this.#start.from
  }

  get isHeld(): boolean {
    return this.#heldSinceMs !== undefined
  }

  position(isWaiting: boolean): RolloutPosition {
    const { from, isSwitch, pausedForMs } = this.#start
    return { from, stage: this.#stage, isSwitch, isPaused: pausedForMs !== undefined, isWaiting }
  }

  hold(service: ServiceRelease) {
    const { from, isSwitch } = this.#start
    return holdOf({ from: from?.version ?? null, stage: this.#stage, isSwitch }, service)
  }

  /** Its time has not begun. */
  postpone(nowMs: number): void {
    this.#progressAtMs = nowMs
  }

  judge({ fleet, service, answersPerSecond }: Judged, nowMs: number): Verdict {
    const isReached = hasReached(fleet, service)
    const ready = readyOf(fleet, service.version)
    this.#noteReady(readyOfAll(fleet), nowMs)
    this.#heldSinceMs = isReached ? (this.#heldSinceMs ?? nowMs) : undefined
    this.#answersPerMs = answersPerSecond / 1_000
    const heldMs = this.#heldSinceMs === undefined ? 0 : nowMs - this.#heldSinceMs
    const { pausedForMs, isPromoted } = this.#start
    const given = verdict({
      ...this.hold(service),
      isReached,
      heldMs,
      answers: this.#answersPerMs === Infinity ? Infinity : Math.floor(heldMs * this.#answersPerMs + 1e-6),
      isPromoted,
      ...(pausedForMs !== undefined && { pausedMs: pausedForMs + nowMs }),
      maxPauseMs: maxPauseOf(service),
      stillborn: 0,
      failing: 0,
      idleMs: nowMs - this.#progressAtMs,
      deadlineMs: service.rollout.deadlineMs,
      ready,
      wanted: service.replicas,
    })
    if (given.kind === 'stepped') this.#step(nowMs)
    return given
  }

  /** When time alone may change its verdict next; Infinity where it can't. */
  nextTimeMs(service: ServiceRelease, nowMs: number): number {
    const { deadlineMs } = service.rollout
    const { pausedForMs } = this.#start
    if (pausedForMs !== undefined) return maxPauseOf(service) - pausedForMs
    if (this.#heldSinceMs === undefined) return this.#progressAtMs + deadlineMs
    const { holdMs, requests } = this.hold(service)
    const heldMs = nowMs - this.#heldSinceMs
    const times = [holdMs, Math.ceil(requests / this.#answersPerMs), holdMs + deadlineMs]
    return this.#heldSinceMs + Math.min(...times.filter((time) => time > heldMs))
  }

  #noteReady(ready: number, nowMs: number): void {
    if (ready <= this.#mostReady) return
    this.#mostReady = ready
    this.#progressAtMs = nowMs
  }

  #step(nowMs: number): void {
    this.#stage += 1
    this.#heldSinceMs = undefined
    this.#progressAtMs = nowMs
  }
}

function maxPauseOf({ rollout }: ServiceRelease): number {
  return rollout.maxPauseMs ?? defaultMaxPauseMs
}
