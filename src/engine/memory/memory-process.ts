/** One process of a memory machine, on the clock that it is given. */
import type { Clock } from '../../system/clock.ts'
import type { InstanceExit, LogLine } from '../engine.ts'

/** How the programs of an image behave; times in milliseconds from the process's start. */
export interface Behaviour {
  /** What the engine needs to get it running. */
  readonly startMs: number
  /** Until it answers that it is healthy; null: never. */
  readonly healthyAfterMs: number | null
  /** What it answers until then; absent: `refused`, since it does not listen yet. */
  readonly early?: Answer
  /** It ends by itself. */
  readonly exit?: { readonly afterMs: number; readonly code: number; readonly outOfMemory?: boolean }
  /** Why it can't run at all, in the engine's words. */
  readonly cannotRun?: string
  /** From SIGTERM to its end; null: it ignores SIGTERM. */
  readonly stopMs: number | null
  /** At the end of every `everyMs` it is unhealthy for `forMs`. */
  readonly flaps?: { readonly everyMs: number; readonly forMs: number }
  /** What it prints when it starts. */
  readonly says: readonly Pick<LogLine, 'stream' | 'text'>[]
}

export const goodBehaviour: Behaviour = { startMs: 0, healthyAfterMs: 0, stopMs: 0, says: [] }

/** What comes back from its port: `silent` leaves the caller waiting. */
export type Answer = 'healthy' | 'unhealthy' | 'silent' | 'refused'

const sigkillCode = 137

export class MemoryProcess {
  readonly startedAtMs: number
  readonly ended: Promise<InstanceExit>
  /** What it answers in place of what its behaviour says. */
  forcedAnswer: Answer | undefined
  /** Whether it was halted from outside. */
  isPaused = false
  readonly #clock: Clock
  readonly #behaviour: Behaviour
  readonly #life = new AbortController()
  readonly #resolveEnded: (exit: InstanceExit) => void
  #exit: InstanceExit | undefined
  #terminated = false

  constructor(clock: Clock, behaviour: Behaviour) {
    const { promise, resolve } = Promise.withResolvers<InstanceExit>()
    this.#clock = clock
    this.#behaviour = behaviour
    this.startedAtMs = clock.now()
    this.ended = promise
    this.#resolveEnded = resolve
    if (behaviour.exit) this.#endLater(behaviour.exit.afterMs, behaviour.exit)
  }

  get exit(): InstanceExit | undefined {
    return this.#exit
  }

  answer(): Answer {
    if (this.#exit) return 'refused'
    if (this.isPaused) return 'silent'
    if (this.forcedAnswer) return this.forcedAnswer
    const ageMs = this.#clock.now() - this.startedAtMs
    const { healthyAfterMs, early = 'refused', flaps } = this.#behaviour
    if (healthyAfterMs === null || ageMs < healthyAfterMs) return early
    return flaps && ageMs % flaps.everyMs >= flaps.everyMs - flaps.forMs ? 'unhealthy' : 'healthy'
  }

  /** SIGTERM, and SIGKILL after `graceMs`; resolves at its end. */
  async stop(graceMs: number): Promise<void> {
    this.#terminated = true
    // An engine lets go of a process that it signals.
    this.isPaused = false
    if (graceMs > 0 && this.#behaviour.stopMs !== null) this.#endLater(this.#behaviour.stopMs, { code: 0 })
    if (graceMs > 0 && !this.#exit) await this.#clock.sleep(graceMs, this.#life.signal).catch(() => undefined)
    this.kill()
  }

  /** Whether it was told to end. */
  get terminated(): boolean {
    return this.#terminated
  }

  /** SIGKILL, or any other end that it does not choose. */
  kill(end: ProcessEnd = { code: sigkillCode }): void {
    if (this.#exit) return
    this.#exit = { code: end.code, outOfMemory: end.outOfMemory ?? false, atMs: this.#clock.now() }
    this.#resolveEnded(this.#exit)
    this.#life.abort('ended')
  }

  #endLater(afterMs: number, end: ProcessEnd): void {
    if (this.#exit) return
    if (afterMs === 0) return this.kill(end)
    this.#clock.sleep(afterMs, this.#life.signal).then(
      () => this.kill(end),
      () => undefined,
    )
  }
}

export interface ProcessEnd {
  readonly code: number
  readonly outOfMemory?: boolean
}
