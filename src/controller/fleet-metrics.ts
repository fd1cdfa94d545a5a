/** What `/metrics` shows of fleets and their rollouts: pure. */
import { counter, gauge, type Labels, type MetricFamily } from '../model/metric.ts'
import { type InstanceState, instanceStates } from '../model/report.ts'
import { type FleetKey, fleetName } from '../model/stack.ts'
import { type Fleet, isReady } from '../plan/fleet.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { EndedRollouts } from './ended-rollouts.ts'
import { instanceState } from './status.ts'

export interface FleetFigures {
  readonly fleets: readonly Fleet[]
  /** The running rollout of a fleet. */
  readonly rollout: (key: FleetKey) => RolloutRecord | undefined
  readonly ended: EndedRollouts
  /** The age of the oldest that serves; undefined: none does. */
  readonly exposureMs: (fleet: Fleet) => number | undefined
}

export function labelsOf({ stack, environment, service }: FleetKey): Labels {
  return { stack, environment, service }
}

export function fleetFamilies({ fleets, exposureMs }: FleetFigures): readonly MetricFamily[] {
  const each = (valueOf: (fleet: Fleet) => number) =>
    fleets.map((fleet) => ({ labels: labelsOf(fleet.key), value: valueOf(fleet) }))
  const byState = fleets.flatMap((fleet) =>
    instanceStates.map((state) => ({ labels: { ...labelsOf(fleet.key), state }, value: count(fleet, state) })),
  )
  return [
    gauge(
      'repave_fleet_desired_instances',
      'Replicas that the fleet is to have.',
      each(({ target }) => target.replicas),
    ),
    gauge(
      'repave_fleet_ready_instances',
      'Instances of the version that the fleet is to run which serve.',
      each(({ instances, target }) => serving({ instances, target }, target.version).length),
    ),
    gauge(
      'repave_fleet_serving_instances',
      'Instances that serve, of whichever version.',
      each((fleet) => serving(fleet).length),
    ),
    gauge(
      'repave_fleet_standby_instances',
      'Healthy instances out of rotation that step in.',
      each((fleet) => count(fleet, 'standby')),
    ),
    gauge('repave_fleet_instances', 'Instances by state.', byState),
    gauge(
      'repave_fleet_floor_instances',
      'The least number of instances that must serve.',
      each(({ target }) => target.floor),
    ),
    gauge(
      'repave_fleet_disruption_budget_instances',
      'Serving instances above the floor: so many may go at once.',
      each((fleet) => serving(fleet).length - fleet.target.floor),
    ),
    gauge(
      'repave_fleet_oldest_serving_age_seconds',
      'Greatest age of any serving instance: the exposure window. 0: none serves.',
      each((fleet) => (exposureMs(fleet) ?? 0) / 1_000),
    ),
  ]
}

function count({ instances, target }: Fleet, state: InstanceState): number {
  return instances.filter((instance) => instanceState(instance, target) === state).length
}

function serving({ instances, target }: Pick<Fleet, 'instances' | 'target'>, version?: string | null) {
  return instances.filter(
    (instance) => isReady(instance, target) && (version === undefined || instance.version === version),
  )
}

export function rolloutFamilies({ fleets, rollout, ended }: FleetFigures): readonly MetricFamily[] {
  const each = (valueOf: (running: RolloutRecord | undefined) => number) =>
    fleets.map(({ key }) => ({ labels: labelsOf(key), value: valueOf(rollout(key)) }))
  const known = new Map(ended.map((ending) => [`${fleetName(ending)} ${ending.state}`, ending]))
  for (const { key } of fleets)
    for (const state of ['succeeded', 'aborted', 'superseded'] as const) {
      const name = `${fleetName(key)} ${state}`
      if (!known.has(name)) known.set(name, { ...key, state, count: 0 })
    }
  const endings = [...known.values()].map((ending) => ({
    labels: { ...labelsOf(ending), state: ending.state },
    value: ending.count,
  }))
  return [
    gauge(
      'repave_rollout_running',
      'Whether a rollout runs.',
      each((running) => (running ? 1 : 0)),
    ),
    gauge(
      'repave_rollout_paused',
      'Whether it is paused.',
      each((running) => (running?.pausedAtMs === undefined ? 0 : 1)),
    ),
    gauge(
      'repave_rollout_stage',
      'The stage that it is in, counted from 1; 0: no rollout runs.',
      each((running) => (running ? (running.stage ?? 0) + 1 : 0)),
    ),
    counter('repave_rollouts_total', 'Rollouts that have ended, by how, since the controller began.', endings),
  ]
}
