/** What the guard has seen and done since this controller began, as numbers. */
import type { HistogramSample } from '../model/metric.ts'
import type { FleetKey } from '../model/stack.ts'
import type { Sense, TouchKind, SenseLayer } from '../model/touch.ts'

/** From when a touch was seen until: no request reaches the instance; a clean one serves; its evidence is kept. */
export const reactionEnds = ['out_of_rotation', 'clean', 'evidence'] as const

export type ReactionEnd = (typeof reactionEnds)[number]

export interface FleetCount extends FleetKey {
  readonly count: number
}

export interface GuardFigures {
  readonly taints: readonly { readonly kind: TouchKind; readonly layer: SenseLayer; readonly count: number }[]
  readonly reactions: readonly HistogramSample[]
  /** Instances that are older than they may be, by fleet; a fleet that is missing has none. */
  readonly overdue: readonly FleetCount[]
  /** Escalations that are not acknowledged, by fleet. */
  readonly escalations: readonly FleetCount[]
  readonly senses: readonly Sense[]
}

export const bucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Counts how long reactions took. */
export class ReactionHistogram {
  readonly #counts = new Map(
    reactionEnds.map((until) => [until, { buckets: bucketsSeconds.map(() => 0), sum: 0, count: 0 }]),
  )

  /** A reaction has come that far, `ms` after the touch was seen. */
  note(until: ReactionEnd, ms: number): void {
    const counts = this.#counts.get(until)
    if (!counts) return
    const seconds = Math.max(0, ms) / 1_000
    counts.count += 1
    counts.sum += seconds
    bucketsSeconds.forEach((le, index) => {
      if (seconds <= le) counts.buckets[index] = (counts.buckets[index] ?? 0) + 1
    })
  }

  samples(): readonly HistogramSample[] {
    return [...this.#counts].map(([until, { buckets, sum, count }]) => ({
      labels: { until },
      buckets: bucketsSeconds.map((le, index) => ({ le, count: buckets[index] ?? 0 })),
      sum,
      count,
    }))
  }
}
