/**
 * The timeline: what `up` will do and when, found by running the controller's own decisions in simulated time, where
 * every effect succeeds and takes as long as it usually took.
 */
import TinyQueue from 'tinyqueue'
import type { TimelineReport } from '../model/report.ts'
import { busyEndMs, fitsBeside, type RunningEffect } from './limits.ts'
import type { Effect } from './reconcile.ts'
import { FleetRun, type FleetStart } from './timeline-fleet.ts'
import type { Pending } from './timeline-instances.ts'

export interface TimelineStart {
  readonly fleets: readonly FleetStart[]
  /** What goes back when a rollout fails: all that was decided, or only its service. */
  readonly isTakenBackAlone: boolean
}

/** So many instances are looked at, over all passes, before the simulation gives up. */
const mostLooks = 5_000_000

/** Yields often, since large fleets take their time, and whoever asks may have more urgent things to do. */
export function* simulateTimeline(start: TimelineStart): Generator<void, TimelineReport> {
  const world = new World(start)
  yield* world.run()
  return world.report()
}

interface Due {
  readonly atMs: number
  readonly sequence: number
  readonly happen: () => void
}

class World {
  readonly #start: TimelineStart
  readonly #runs: ReadonlyMap<string, FleetRun>
  readonly #queue = new TinyQueue<Due>([], (a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
  readonly #underWay = new Set<RunningEffect>()
  #nowMs = 0
  #sequence = 0
  #looks = 0

  constructor(start: TimelineStart) {
    this.#start = start
    this.#runs = new Map(start.fleets.map((fleet) => [fleet.key.service, new FleetRun(fleet)]))
    for (const run of this.#runs.values()) for (const pending of run.underWay()) this.#schedule(pending)
  }

  *run(): Generator<void> {
    this.#closeMoment()
    for (let next = 0; Number.isFinite(next) && !this.#isCut; next = this.#nextTimeMs()) {
      this.#nowMs = next
      while (this.#turn() && !this.#isCut);
      this.#closeMoment()
      yield
    }
  }

  report(): TimelineReport {
    const services = [...this.#runs.values()].flatMap((run) => run.report() ?? [])
    return {
      services,
      durationMs: Math.max(0, ...services.map(({ durationMs }) => durationMs)),
      ...(this.#isCut && { isCut: true }),
    }
  }

  #closeMoment(): void {
    for (const run of this.#runs.values()) run.closeMoment(this.#nowMs)
  }

  get #isCut(): boolean {
    return this.#looks > mostLooks
  }

  /** What is due happens, and each fleet is looked at; false when there is nothing more at this time. */
  #turn(): boolean {
    let hasChanged = false
    for (; (this.#queue.peek()?.atMs ?? Infinity) <= this.#nowMs; hasChanged = true) this.#queue.pop()?.happen()
    for (const run of this.#runs.values()) hasChanged = this.#pass(run) || hasChanged
    return hasChanged
  }

  #pass(run: FleetRun): boolean {
    this.#looks += 1 + run.size
    const { dependsOn = [] } = run.start.after ?? {}
    const { hasChanged, effects } = run.look(
      this.#nowMs,
      dependsOn.filter((service) => this.#runs.get(service)?.isRolledOut),
    )
    if (hasChanged && run.isAborted) this.#takeBack(run)
    const begun = effects.filter((effect) => this.#begin(run, effect))
    return hasChanged || begun.length > 0
  }

  /** False where it does not fit beside what is under way. */
  #begin(run: FleetRun, effect: Effect): boolean {
    const { kind } = effect
    if (!fitsBeside(kind, [...this.#underWay], this.#nowMs)) return false
    const [end, ...later] = run.begin(effect)
    const begun = { kind, beganAtMs: this.#nowMs }
    if (end) this.#underWay.add(begun)
    if (end) this.#schedule(end, () => this.#underWay.delete(begun))
    for (const pending of later) this.#schedule(pending)
    return true
  }

  #schedule({ afterMs, happen }: Pending, also = () => {}): void {
    const both = () => {
      happen()
      also()
    }
    this.#queue.push({ atMs: this.#nowMs + afterMs, sequence: this.#sequence++, happen: both })
  }

  #takeBack(failed: FleetRun): void {
    if (this.#start.isTakenBackAlone || !failed.isDecided) return
    const reason = `${failed.start.key.service} failed, and what was decided with it goes back`
    for (const run of this.#runs.values()) if (run.isDecided && !run.isAborted) run.abort(reason, this.#nowMs)
  }

  #nextTimeMs(): number {
    const freed = [...this.#underWay]
      .filter(({ kind }) => kind === 'destroy')
      .map(({ beganAtMs }) => beganAtMs + busyEndMs)
    const fleets = [...this.#runs.values()].map((run) => run.nextTimeMs(this.#nowMs))
    return Math.min(this.#queue.peek()?.atMs ?? Infinity, ...fleets, ...freed.filter((time) => time > this.#nowMs))
  }
}
