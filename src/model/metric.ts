/** Numbers about what runs, as Prometheus has them: families of samples that differ by their labels. */

export type Labels = Readonly<Record<string, string>>

interface FamilyBase {
  readonly name: string
  readonly help: string
}

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly labels: Labels
  /** How many were at most `le`, in ascending order; those above the last are only in `count`. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  readonly sum: number
  readonly count: number
}

export type MetricFamily =
  | (FamilyBase & { readonly type: 'gauge' | 'counter'; readonly samples: readonly Sample[] })
  | (FamilyBase & { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] })

export function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: 'gauge', samples }
}

/** `name` ends in `_total`; it begins at 0 with the controller. */
export function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: 'counter', samples }
}
