/** Rollout policies, and what goes with them, that can't be carried out. Pure. */
import { resolveQuantity, type Stack } from '../model/stack.ts'
import type { StackDefinition } from './definition.ts'
import { placedServices, type PlacedService } from './environments.ts'
import type { Finding } from './finding.ts'
import { printDuration, printQuantity } from './units.ts'

export function checkRollouts(definition: StackDefinition, stack: Stack): readonly Finding[] {
  return placedServices(definition, stack).flatMap((service) => [
    ...checkFloor(service),
    ...checkDeadline(service),
    ...checkTraffic(service),
    ...checkVerdict(service),
    ...checkStandby(service),
    ...checkRehearsal(service),
  ])
}

function checkFloor({ name, spec: { replicas, rollout, standby }, placeOf }: PlacedService): readonly Finding[] {
  const { strategy, maxSurge, maxUnavailable } = rollout
  if (replicas === 0) return []
  const surge = resolveQuantity(maxSurge, replicas, 'up')
  const missing = resolveQuantity(maxUnavailable, replicas, 'down')
  // A standby makes room; and where requests are moved by shares, the new fleet comes beside the old one anyway.
  if (strategy === 'rolling' && !standby && surge === 0 && missing === 0)
    return [
      {
        path: placeOf('rollout', 'maxSurge'),
        message: `service ${name} could never be replaced: maxSurge ${printQuantity(maxSurge)} and maxUnavailable ${printQuantity(maxUnavailable)} of ${replicas} replicas leave no room`,
        hint: 'allow at least one instance of either; maxSurge keeps the capacity whole',
      },
    ]
  // A share of 100% says openly that all may be missing; a count may only have become all of them by chance.
  if (maxUnavailable.kind === 'share' || missing < replicas) return []
  return [
    {
      path: placeOf('rollout', 'maxUnavailable'),
      message: `service ${name} would have no floor: maxUnavailable ${missing} is all of its ${replicas} replicas`,
      hint: `use less than ${replicas}, or write 100% if all may be missing at once`,
    },
  ]
}

function checkDeadline({ name, spec: { health, rollout }, placeOf }: PlacedService): readonly Finding[] {
  // A process is looked at for the first time after an interval.
  const needed = health.intervalMs * (health.kind === 'process' ? health.healthyAfter : health.healthyAfter - 1)
  if (needed < rollout.deadlineMs) return []
  return [
    {
      path: placeOf('rollout', 'deadline'),
      message: `service ${name} could never become healthy in time: ${health.healthyAfter} probes every ${printDuration(health.intervalMs)} take longer than the rollout deadline of ${printDuration(rollout.deadlineMs)}`,
      hint: 'raise rollout.deadline, or lower health.interval or health.healthyAfter',
    },
  ]
}

function checkTraffic({ name, spec: { routes, rollout }, placeOf }: PlacedService): readonly Finding[] {
  const { strategy } = rollout
  if (routes.length > 0 || strategy === 'rolling' || strategy === 'recreate') return []
  return [
    {
      path: placeOf('rollout', 'strategy'),
      message: `service ${name} has no route, so there are no requests that the strategy ${strategy} could move`,
      hint: 'add a `route`, or use the strategy rolling or recreate',
    },
  ]
}

function checkVerdict({ name, spec: { routes, rollout }, placeOf }: PlacedService): readonly Finding[] {
  const { verdict } = rollout
  if (routes.length > 0 || !verdict) return []
  const keys = [...(verdict.requests > 0 ? ['requests'] : []), ...(verdict.latency ? ['latency'] : [])]
  return keys.map((key) => ({
    path: placeOf('rollout', 'verdict', key),
    message: `service ${name} has no route, so it gives no answers, and its verdict could never have the ${key} that it needs`,
    hint: `add a \`route\`, or take \`${key}\` out: restarts, and queries of Prometheus, are judged without one`,
  }))
}

function checkStandby({ name, spec: { routes, rollout, standby }, placeOf }: PlacedService): readonly Finding[] {
  if (standby === undefined) return []
  const path = placeOf('standby')
  if (rollout.strategy === 'recreate')
    return [
      {
        path,
        message: `service ${name} can't have standbys: its strategy is recreate, and a standby would run beside the instance that must be gone before another begins`,
        hint: 'take `standby` out, or use the strategy rolling, blueGreen or canary',
      },
    ]
  if (routes.length > 0) return []
  return [
    {
      path,
      message: `service ${name} can't have standbys: it has no route, so there is no rotation that they could be kept out of`,
      hint: 'add a `route`, or raise `replicas` instead: all of them run at once',
    },
  ]
}

function checkRehearsal({ name, spec: { rehearsal, data }, placeOf }: PlacedService): readonly Finding[] {
  if (!rehearsal || !data) return []
  return [
    {
      path: placeOf('rehearsal'),
      part: 'key',
      message: `service ${name} has \`data\`, so it can't be rehearsed: an old version would write to the volumes of the present one`,
      hint: 'take `rehearsal` out',
    },
  ]
}
