/** What `up` would do over time: from what there is and what was observed before. */
import { setImmediate } from 'node:timers/promises'
import type { TimelineReport } from '../model/report.ts'
import type { Release } from '../model/release.ts'
import { own } from '../model/own.ts'
import type { FleetKey } from '../model/stack.ts'
import type { FleetStart } from '../plan/timeline-fleet.ts'
import type { RolloutStart } from '../plan/timeline-rollout.ts'
import { simulateTimeline } from '../plan/timeline.ts'
import type { TimelineRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { observedTimes, type ObservedTimes } from './observed-times.ts'

export async function timelineFor(
  desk: Desk,
  release: Release,
  { requestsPerSecond }: TimelineRequest,
): Promise<TimelineReport> {
  const observed = new Map<string, ObservedTimes>()
  for (const key of keysOf(desk, release)) {
    const service = own(release.services, key.service) ?? own(releasedNow(desk, release), key.service)
    if (service) observed.set(key.service, await observedTimes(key, service, desk.seams.store))
  }
  const fleets = keysOf(desk, release).flatMap((key): FleetStart[] => {
    const found = observed.get(key.service)
    const rate = requestsPerSecond === undefined ? {} : { requestsPerSecond }
    return found ? [{ ...fleetStart(desk, release, key), ...found, ...rate }] : []
  })
  return simulated({ fleets, isTakenBackAlone: release.rollback === 'service' })
}

/** Whatever needs the controller meanwhile comes first. */
async function simulated(start: Parameters<typeof simulateTimeline>[0]): Promise<TimelineReport> {
  const simulation = simulateTimeline(start)
  for (;;) {
    const { done, value } = simulation.next()
    if (done) return value
    await setImmediate()
  }
}

function keysOf(desk: Desk, release: Release): readonly FleetKey[] {
  const { stack, environment } = release
  const fleets = desk.loop.view(release)?.fleets.map(({ key }) => key.service) ?? []
  const names = [...Object.keys(release.services), ...Object.keys(releasedNow(desk, release)), ...fleets]
  return [...new Set(names)].toSorted().map((service) => ({ stack, environment, service }))
}

function releasedNow(desk: Desk, release: Release): Release['services'] {
  return desk.loop.decisions.of(release)?.release.services ?? {}
}

function fleetStart(desk: Desk, release: Release, key: FleetKey): Omit<FleetStart, keyof ObservedTimes> {
  const { loop } = desk
  const fleet = loop.view(release)?.fleets.find((each) => each.key.service === key.service)
  const rollout = rolloutStart(desk, key)
  const { from } = loop.decisions.warm(key) ?? {}
  const untilMs = (loop.decisions.coolAtMs(key) ?? -Infinity) - desk.seams.clock.steady()
  return {
    key,
    before: own(releasedNow(desk, release), key.service),
    after: own(release.services, key.service),
    instances: fleet?.instances ?? [],
    split: fleet?.split ?? 0,
    ...(rollout && { rollout }),
    ...(from && untilMs > 0 && { warm: { version: from, untilMs } }),
  }
}

function rolloutStart({ loop, seams }: Desk, key: FleetKey): RolloutStart | undefined {
  const record = loop.rollouts.of(key)
  if (!record) return undefined
  const { stage = 0, isSwitch = false, isPromoted = false } = record
  const pausedForMs = loop.rollouts.pausedForMs(key)
  const heldSinceMs = loop.rollouts.heldSinceMs(key)
  return {
    from: loop.rollouts.fromOf(key),
    stage,
    isSwitch,
    isPromoted,
    ...(heldSinceMs !== undefined && { heldForMs: seams.clock.steady() - heldSinceMs }),
    ...(pausedForMs !== undefined && { pausedForMs }),
  }
}
