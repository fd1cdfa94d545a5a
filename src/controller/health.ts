/** Asks every running instance, again and again, whether it can serve, and remembers the answers. */
import type { ObservedInstance } from '../engine/engine.ts'
import { identityOf } from '../model/identity.ts'
import type { Health } from '../model/version.ts'
import type { Probe, ProbeResult } from '../probe/probe.ts'
import type { Clock } from '../system/clock.ts'

export interface HealthState {
  readonly state: 'starting' | 'healthy' | 'unhealthy'
  /** What the last probe saw. */
  readonly answer?: string
  /** When it became healthy, on the steady clock; kept while it is. */
  readonly healthySinceMs?: number
}

interface Watched {
  readonly instance: ObservedInstance
  readonly stop: AbortController
  health: HealthState
  successes: number
  failures: number
}

/** What to watch: `trusted` instances were in rotation before this controller looked, and are taken as healthy. */
export interface HealthSubject {
  readonly instance: ObservedInstance
  readonly health: Health
  readonly trusted: boolean
  /** How long it may take to become healthy. */
  readonly startLimitMs: number
}

const firstDelayMs = 20

export class HealthWatch {
  readonly #clock: Clock
  readonly #probe: Probe
  readonly #onChange: () => void
  readonly #watched = new Map<string, Watched>()

  constructor(clock: Clock, probe: Probe, onChange: () => void) {
    this.#clock = clock
    this.#probe = probe
    this.#onChange = onChange
  }

  /** Watches exactly these instances from now on. */
  follow(subjects: readonly HealthSubject[]): void {
    const wanted = new Map(subjects.map((subject) => [identityOf(subject.instance), subject]))
    for (const [id, watched] of this.#watched) if (!wanted.has(id)) this.#forget(id, watched)
    for (const [id, subject] of wanted) if (!this.#watched.has(id)) this.#begin(id, subject)
  }

  of(instance: ObservedInstance): HealthState {
    return this.#watched.get(identityOf(instance))?.health ?? { state: 'starting' }
  }

  stop(): void {
    for (const [id, watched] of this.#watched) this.#forget(id, watched)
  }

  #forget(id: string, watched: Watched): void {
    watched.stop.abort()
    this.#watched.delete(id)
  }

  #begin(id: string, subject: HealthSubject): void {
    const { instance, trusted } = subject
    const state: HealthState = trusted
      ? { state: 'healthy', healthySinceMs: this.#clock.steady() - this.#ageMs(instance) }
      : { state: 'starting' }
    const watched: Watched = { instance, stop: new AbortController(), health: state, successes: 0, failures: 0 }
    this.#watched.set(id, watched)
    void this.#run(watched, subject)
  }

  async #run(watched: Watched, { health, startLimitMs }: HealthSubject): Promise<void> {
    const { signal } = watched.stop
    const beganAtMs = this.#clock.steady()
    while (!signal.aborted) {
      const result = await this.#ask(watched.instance, health, beganAtMs, signal)
      if (signal.aborted) return
      const elapsedMs = this.#clock.steady() - beganAtMs
      this.#note(watched, result, health, elapsedMs >= startLimitMs)
      const delayMs = nextDelay(watched.health, elapsedMs, health.intervalMs)
      await this.#clock.sleep(delayMs, signal).catch(() => {})
    }
  }

  async #ask(instance: ObservedInstance, health: Health, beganAtMs: number, signal: AbortSignal): Promise<ProbeResult> {
    if (health.kind === 'process') return this.#look(beganAtMs, health)
    if (!instance.address) return { healthy: false, answer: 'has no address' }
    return this.#probe.probe(instance.address, health, signal)
  }

  /** A process that nobody can ask counts once it has lived for an interval: many that can't run start and end at once. */
  #look(beganAtMs: number, { intervalMs }: Health): ProbeResult {
    const livedMs = this.#clock.steady() - beganAtMs
    return livedMs < intervalMs
      ? { healthy: false, answer: `has run for less than ${intervalMs} ms` }
      : { healthy: true, answer: 'running' }
  }

  /** By the engine's clock and ours, which need not agree: good enough for what only delays. */
  #ageMs({ startedAtMs }: ObservedInstance): number {
    return startedAtMs === undefined ? 0 : Math.max(0, this.#clock.now() - startedAtMs)
  }

  #note(watched: Watched, { healthy, answer }: ProbeResult, health: Health, overdue: boolean): void {
    watched.successes = healthy ? watched.successes + 1 : 0
    watched.failures = healthy ? 0 : watched.failures + 1
    const before = watched.health
    watched.health = { ...before, answer, ...this.#judge(watched, health, overdue) }
    if (before.state !== watched.health.state) this.#onChange()
  }

  #judge(watched: Watched, health: Health, overdue: boolean): Pick<HealthState, 'state' | 'healthySinceMs'> {
    const { state } = watched.health
    if (state !== 'healthy' && watched.successes >= health.healthyAfter)
      return { state: 'healthy', healthySinceMs: this.#clock.steady() }
    if (state === 'healthy' && watched.failures >= health.unhealthyAfter) return { state: 'unhealthy' }
    return { state: state === 'starting' && overdue ? 'unhealthy' : state }
  }
}

/** While it starts, an instance is asked in short steps that grow with the time it takes; afterwards at its interval. */
function nextDelay(health: HealthState, elapsedMs: number, intervalMs: number): number {
  if (health.state !== 'starting') return intervalMs
  return Math.min(intervalMs, Math.max(firstDelayMs, elapsedMs / 10))
}
