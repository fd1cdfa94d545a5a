/** What a load run has seen, counted as it comes. */

export type Outcome =
  | {
      readonly kind: 'answer'
      readonly sentAtMs: number
      readonly atMs: number
      readonly tookMs: number
      /** What served it, as its answer's headers say. */
      readonly release: string
      readonly instance: string
    }
  | {
      readonly kind: 'failure'
      readonly sentAtMs: number
      readonly atMs: number
      readonly tookMs: number
      readonly request: string
      readonly reason: string
      /** Of an answer that says so. */
      readonly release?: string
    }

export interface Sighting {
  /** Of answers, good or not. */
  readonly count: number
  readonly failed: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** When the last of these requests was sent. */
  readonly lastSentAtMs: number
}

/** Times are milliseconds since the epoch; latencies are milliseconds. */
export interface LoadReport {
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly requests: number
  readonly answers: number
  readonly failures: readonly {
    readonly sentAtMs: number
    readonly atMs: number
    readonly tookMs: number
    readonly request: string
    readonly reason: string
    readonly release?: string
  }[]
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly releases: Readonly<Record<string, Sighting>>
  readonly instances: Readonly<Record<string, Sighting>>
  /** In the order in which they came; absent unless the load was traced. */
  readonly trace?: readonly Outcome[]
}

export class Tally {
  readonly #latenciesMs: number[] = []
  readonly #failures: LoadReport['failures'][number][] = []
  readonly #releases = new Map<string, Sighting>()
  readonly #instances = new Map<string, Sighting>()
  readonly #trace: Outcome[] | undefined

  constructor(traced = false) {
    if (traced) this.#trace = []
  }

  record(outcome: Outcome): void {
    this.#trace?.push(outcome)
    if (outcome.kind === 'failure') {
      const { kind: _, ...failure } = outcome
      this.#failures.push(failure)
      if (outcome.release !== undefined) see(this.#releases, outcome.release, outcome)
      return
    }
    this.#latenciesMs.push(outcome.tookMs)
    see(this.#releases, outcome.release, outcome)
    see(this.#instances, outcome.instance, outcome)
  }

  get answers(): number {
    return this.#latenciesMs.length
  }

  report(startedAtMs: number, endedAtMs: number): LoadReport {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b)
    return {
      startedAtMs,
      endedAtMs,
      requests: sorted.length + this.#failures.length,
      answers: sorted.length,
      failures: this.#failures,
      latencyMs: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) },
      releases: Object.fromEntries(this.#releases),
      instances: Object.fromEntries(this.#instances),
      ...(this.#trace && { trace: this.#trace }),
    }
  }
}

function see(sightings: Map<string, Sighting>, name: string, { kind, sentAtMs, atMs }: Outcome): void {
  const before = sightings.get(name) ?? unseen
  sightings.set(name, {
    count: before.count + 1,
    failed: before.failed + Number(kind === 'failure'),
    firstAtMs: Math.min(before.firstAtMs, atMs),
    lastAtMs: Math.max(before.lastAtMs, atMs),
    lastSentAtMs: Math.max(before.lastSentAtMs, sentAtMs),
  })
}

const unseen: Sighting = { count: 0, failed: 0, firstAtMs: Infinity, lastAtMs: -Infinity, lastSentAtMs: -Infinity }

/** The smallest value that at least `share` of the ascending `sorted` do not exceed; 0 where there is none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
