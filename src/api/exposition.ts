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
      registry.registerMetric(new CountedHistogram(family))
  }
}

/** A histogram of what was counted elsewhere: the library's own counts what it is shown. */
class CountedHistogram extends Histogram {
  readonly #family: MetricFamily & { readonly type: 'histogram' }

  constructor(family: MetricFamily & { readonly type: 'histogram' }) {
    super({ name: family.name, help: family.help, registers: [] })
    this.#family = family
  }

  /** What the registry asks a histogram for, in the place of `get`. */
  async getForPromString() {
    const { name, help, type, samples } = this.#family
    return { name, help, type, values: samples.flatMap((sample) => histogramValues(name, sample)) }
  }
}

function histogramValues(name: string, { labels, buckets, sum, count }: HistogramSample) {
  const bucket = (le: number | string, value: number) => {
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value }
  }
  return [
    ...buckets.map(({ le, count: value }) => bucket(le, value)),
    bucket('+Inf', count),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
