/** Metrics in the text form that Prometheus scrapes. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { HistogramSample, MetricFamily } from '../model/metric.ts'
import { repaveVersion } from './version.ts'

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

export async function exposition(families: readonly MetricFamily[]): Promise<Exposition> {
  const registry = new Registry()
  for (const family of [...families, infoFamily()]) register(family, registry)
  return { contentType: registry.contentType, text: await registry.metrics() }
}

function infoFamily(): MetricFamily {
  const samples = [{ labels: { version: repaveVersion(), node: process.versions.node }, value: 1 }]
  return { name: 'repave_controller_info', help: 'The version of the controller; always 1.', type: 'gauge', samples }
}

function register(family: MetricFamily, registry: Registry): void {
  const { name, help } = family
  const labelNames = [...new Set(family.samples.flatMap(({ labels }) => Object.keys(labels)))]
  const configuration = { name, help, labelNames, registers: [registry] }
  switch (family.type) {
    case 'gauge': {
      const gauge = new Gauge(configuration)
      // Without labels, the library shows a 0 that nobody counted.
      if (family.samples.length === 0) gauge.remove()
      for (const { labels, value } of family.samples) gauge.set({ ...labels }, value)
      return
    }
    case 'counter': {
      const counter = new Counter(configuration)
      if (family.samples.length === 0) counter.remove()
      for (const { labels, value } of family.samples) counter.inc({ ...labels }, value)
      return
    }
    case 'histogram':
      registry.registerMetric(new CountedHistogram(name, help, family.samples))
  }
}

/** A histogram of what was counted elsewhere: the library's own counts what it is shown. */
class CountedHistogram extends Histogram {
  readonly #name: string
  readonly #samples: readonly HistogramSample[]

  constructor(name: string, help: string, samples: readonly HistogramSample[]) {
    super({ name, help, registers: [] })
    this.#name = name
    this.#samples = samples
  }

  override async get(): ReturnType<Histogram['get']> {
    const values = this.#samples.flatMap(({ labels, buckets, sum, count }) => [
      ...buckets.map(({ le, count: value }) => ({
        metricName: `${this.#name}_bucket`,
        labels: { ...labels, le },
        value,
      })),
      { metricName: `${this.#name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${this.#name}_sum`, labels: { ...labels }, value: sum },
      { metricName: `${this.#name}_count`, labels: { ...labels }, value: count },
    ])
    return { ...(await super.get()), values }
  }

  /** What the registry asks a histogram for. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }
}
