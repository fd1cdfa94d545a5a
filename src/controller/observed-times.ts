/** How long it took until instances served, had drained and were gone: from the record. */
import type { TimelineAssumption } from '../model/report.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { FleetKey } from '../model/stack.ts'
import type { EffectTimes } from '../plan/timeline-effects.ts'
import type { RecordedEntry, Store } from '../store/store.ts'

export interface ObservedTimes {
  readonly times: EffectTimes
  readonly assumptions: readonly TimelineAssumption[]
}

const kinds = [
  'create.intent',
  'create.done',
  'start.intent',
  'start.done',
  'route.intent',
  'unroute.intent',
  'unroute.done',
  'destroy.intent',
  'destroy.done',
]
/** So many of the newest are enough. */
const sample = 20
const assumedMs = { make: 100, create: 500, start: 1_000, drain: 0, end: 0 }

/** By what instances of the service showed last, else by what those of other services in its environment did. */
export async function observedTimes(
  key: FleetKey,
  released: ServiceRelease,
  store: Pick<Store, 'entries'>,
): Promise<ObservedTimes> {
  const { stack, environment, service } = key
  const filter = { stack, environment, kinds, last: sample * kinds.length }
  const own = measured(await store.entries({ ...filter, service }), released)
  const isEnough = Object.values(own).every((spans) => spans.length > 0)
  const others = isEnough ? own : measured(await store.entries(filter), released)
  const chosen = (what: Measure) => choose(what, own[what], others[what])
  const [create, start, drain, end] = [chosen('create'), chosen('start'), chosen('drain'), chosen('end')]
  const createMs = Math.min(create.ms, start.ms)
  const makeMs = Math.min(chosen('make').ms, createMs)
  return {
    times: { makeMs, createMs, healthyMs: start.ms - createMs, drainMs: drain.ms, destroyMs: end.ms },
    assumptions: [
      { what: 'start', ...start },
      { what: 'drain', ...drain },
      { what: 'end', ...end },
    ],
  }
}

/** `make`: until the engine has made it. `create`: until it has started it, too. `start`: until it was healthy. */
type Measure = 'make' | 'create' | 'start' | 'drain' | 'end'

interface Span {
  readonly measure: Measure
  readonly ms: number
}

/** In milliseconds, oldest first. */
function measured(
  entries: readonly RecordedEntry[],
  { routes, rollout, spec }: ServiceRelease,
): Readonly<Record<Measure, readonly number[]>> {
  const spans = [...spansOf(entries)]
  const of = (measure: Measure) => spans.filter((span) => span.measure === measure).map(({ ms }) => ms)
  // What got requests only later than it may take to start was a standby.
  const routed = of('start').filter((ms) => ms <= rollout.deadlineMs)
  // Without routes, the record does not say when an instance was healthy.
  const livesMs = spec.health.kind === 'process' ? spec.health.intervalMs : 0
  const start = routes.length > 0 ? routed : of('create').map((ms) => ms + livesMs)
  return { make: of('make'), create: of('create'), start, drain: of('drain'), end: of('end') }
}

function* spansOf(entries: readonly RecordedEntry[]): Iterable<Span> {
  // When their making began, without what those that were made ahead have waited to be started.
  const births = new Map<string, number>()
  const madeAtMs = new Map<string, number>()
  const begun = new Map(entries.map(({ sequence, atMs }) => [sequence, atMs]))
  for (const { kind, instance = '', operation = -1, atMs } of entries) {
    if (kind === 'create.intent') births.set(instance, atMs)
    if (kind === 'create.done') madeAtMs.set(instance, atMs)
    if (kind === 'create.done') yield* spanOf('make', births.get(instance), atMs)
    if (kind === 'start.intent') postpone(births, instance, atMs - (madeAtMs.get(instance) ?? atMs))
    if (kind === 'start.done') yield* spanOf('create', births.get(instance), atMs)
    if (kind === 'route.intent') yield* spanOf('start', births.get(instance), atMs)
    if (kind === 'route.intent') births.delete(instance)
    if (kind === 'unroute.done') yield* spanOf('drain', begun.get(operation), atMs)
    if (kind === 'destroy.done') yield* spanOf('end', begun.get(operation), atMs)
  }
}

function postpone(births: Map<string, number>, instance: string, ms: number): void {
  const birthMs = births.get(instance)
  if (birthMs !== undefined) births.set(instance, birthMs + ms)
}

/** None where its beginning is not known, or the clock was set back. */
function spanOf(measure: Measure, sinceMs: number | undefined, atMs: number): readonly Span[] {
  return sinceMs === undefined || atMs < sinceMs ? [] : [{ measure, ms: atMs - sinceMs }]
}

function choose(
  measure: Measure,
  own: readonly number[],
  others: readonly number[],
): { readonly ms: number; readonly basis: string } {
  const noun = measure === 'create' ? 'start' : measure
  if (own.length > 0) return medianOf(own, noun, 'observed')
  if (others.length > 0) return medianOf(others, noun, 'of other services observed')
  const ms = assumedMs[measure]
  return { ms, basis: `no ${noun} was observed yet: ${ms / 1_000} s is assumed` }
}

function medianOf(spans: readonly number[], noun: string, where: string) {
  const newest = spans.slice(-sample).toSorted((a, b) => a - b)
  const ms = newest[Math.floor((newest.length - 1) / 2)] ?? 0
  const count = newest.length
  return { ms, basis: count === 1 ? `one ${noun} ${where}` : `median of ${count} ${noun}s ${where}` }
}
