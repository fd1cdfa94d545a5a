/** What `/metrics` shows, from what the controller has at hand: pure. */
import { counter, gauge, type MetricFamily, type Sample } from '../model/metric.ts'
import { fleetName, type Scope } from '../model/stack.ts'
import { type LaneCounts, poolName } from '../router/router.ts'
import { type FleetFigures, fleetFamilies, labelsOf, rolloutFamilies } from './fleet-metrics.ts'
import type { FleetCount, GuardFigures } from './guard-figures.ts'
import type { NoticeFigures } from './notices.ts'

export interface MetricsSnapshot extends FleetFigures {
  readonly startedAtMs: number
  /** Those that count. */
  readonly refusals: readonly (Scope & { readonly count: number })[]
  readonly sees: { readonly engine: boolean; readonly router: boolean }
  readonly lanes: readonly LaneCounts[]
  readonly ledger: { readonly recorded: number; readonly published: number }
  readonly notices: NoticeFigures
  readonly guard: GuardFigures
}

export function metricFamilies(snapshot: MetricsSnapshot): readonly MetricFamily[] {
  return [
    ...fleetFamilies(snapshot),
    ...rolloutFamilies(snapshot),
    ...guardFamilies(snapshot),
    ...routerFamilies(snapshot),
    ...controllerFamilies(snapshot),
  ]
}

function guardFamilies({ fleets, guard, refusals }: MetricsSnapshot): readonly MetricFamily[] {
  const { taints, reactions, overdue, escalations, senses } = guard
  const ofFleets = (counts: readonly FleetCount[]) => {
    const byName = new Map(counts.map((each) => [fleetName(each), each.count]))
    return fleets.map(({ key }) => ({ labels: labelsOf(key), value: byName.get(fleetName(key)) ?? 0 }))
  }
  return [
    counter(
      'repave_taints_total',
      'Instances that were tainted, by the kind of touch and what sensed it, since the controller began.',
      taints.map(({ kind, layer, count }) => ({ labels: { kind, layer }, value: count })),
    ),
    {
      name: 'repave_reaction_seconds',
      help: 'From a touch until the instance was out of rotation, a clean one served, or its evidence was kept.',
      type: 'histogram',
      samples: reactions,
    },
    gauge('repave_fleet_overdue_instances', 'Instances that are older than they may be.', ofFleets(overdue)),
    gauge('repave_fleet_escalations', 'Escalations that nobody has acknowledged.', ofFleets(escalations)),
    gauge(
      'repave_sensor_up',
      'Whether a layer that senses touches works on this machine.',
      senses.map(({ layer, state }) => ({ labels: { layer }, value: state === 'works' ? 1 : 0 })),
    ),
    gauge(
      'repave_refusals',
      'Refusals that count.',
      refusals.map(({ stack, environment, count }) => ({ labels: { stack, environment }, value: count })),
    ),
  ]
}

function routerFamilies({ lanes, fleets }: MetricsSnapshot): readonly MetricFamily[] {
  const keys = new Map(fleets.map(({ key }) => [poolName(key), labelsOf(key)]))
  const known = lanes.flatMap((counts) => {
    const labels = keys.get(counts.pool)
    return labels ? [{ counts, labels: { ...labels, lane: counts.lane } }] : []
  })
  const each = (valueOf: (counts: LaneCounts) => number) =>
    known.map(({ counts, labels }) => ({ labels, value: valueOf(counts) }))
  const answers = known.flatMap(({ counts, labels }) =>
    Object.entries(counts.answers).map(([code, value]) => ({ labels: { ...labels, code }, value })),
  )
  return [
    counter('repave_router_responses_total', 'Responses by class of status, the own ones of the router too.', answers),
    gauge(
      'repave_router_open_requests',
      'Requests and upgraded connections under way.',
      each(({ open }) => open),
    ),
    gauge(
      'repave_router_waiting_requests',
      'Requests that wait for an instance.',
      each(({ waiting }) => waiting),
    ),
    gauge(
      'repave_router_response_mean_seconds',
      'Mean time of the newest responses; 0: there were none.',
      each(({ meanMs }) => meanMs / 1_000),
    ),
  ]
}

function controllerFamilies({ sees, ledger, notices, startedAtMs }: MetricsSnapshot): readonly MetricFamily[] {
  return [
    gauge('repave_engine_up', 'Whether the engine could be seen in the last look.', single(sees.engine ? 1 : 0)),
    gauge('repave_router_up', 'Whether the router could be seen in the last look.', single(sees.router ? 1 : 0)),
    gauge('repave_ledger_entries', 'Entries on record.', single(ledger.recorded)),
    gauge('repave_ledger_published_entries', 'Entries that are signed and published.', single(ledger.published)),
    gauge(
      'repave_notifications_pending',
      'Notifications that their receivers have not taken yet.',
      single(notices.pending),
    ),
    counter('repave_notifications_total', 'Notifications that were told or given up, since the controller began.', [
      { labels: { outcome: 'told' }, value: notices.told },
      { labels: { outcome: 'given_up' }, value: notices.givenUp },
    ]),
    gauge(
      'repave_controller_start_time_seconds',
      'When the controller began, since 1970.',
      single(startedAtMs / 1_000),
    ),
  ]
}

function single(value: number): readonly Sample[] {
  return [{ labels: {}, value }]
}
