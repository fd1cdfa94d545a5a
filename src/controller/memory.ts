/** What a pass has to remember, from those who each remember a part of it. */
import { dependencyCycles } from '../model/dependencies.ts'
import { own } from '../model/own.ts'
import type { FleetKey } from '../model/stack.ts'
import type { RolloutPosition } from '../plan/target.ts'
import type { Ages } from './ages.ts'
import type { Clock } from '../system/clock.ts'
import type { Decisions } from './decisions.ts'
import type { Recollection } from './recollection.ts'
import { itself } from './records.ts'
import type { Rehearsals } from './rehearsals.ts'
import type { Rollouts } from './rollouts.ts'
import type { Taints } from './taints.ts'
import type { Remembered } from './views.ts'

interface Parts {
  readonly clock: Pick<Clock, 'steady' | 'now'>
  readonly recollection: Recollection
  readonly decisions: Decisions
  readonly rollouts: Rollouts
  readonly rehearsals: Rehearsals
  readonly taints: Taints
  readonly ages: Ages
}

export function rememberedBy(parts: Parts): Remembered {
  const { clock, recollection, decisions, rollouts, rehearsals, taints, ages } = parts
  return {
    health: (instance) => recollection.health(instance),
    cannotRun: (instance) => recollection.cannotRun(instance),
    isCondemned: (instance) => recollection.isCondemned(instance),
    isEnding: (instance) => recollection.isEnding(instance),
    taint: (instance) => taints.of(instance),
    cordon: (instance) => taints.cordonOf(instance),
    due: (key, instances) => ages.due(key, instances),
    heldUntilMs: (key) => heldUntilMs(key, parts),
    createAfterMs: (key) => recollection.createAfterMs(key),
    endedDrainMs: (key) => recollection.endedDrainMs(key),
    position: (key) => positionOf(key, decisions, rollouts),
    warm: (key) => {
      const isOver = (decisions.coolAtMs(key) ?? -Infinity) <= clock.steady()
      return isOver ? undefined : (decisions.warm(key)?.from ?? undefined)
    },
    rehearsed: (key) => rehearsals.of(key),
    isRefused: (key, version) => decisions.isRefused(key, version),
  }
}

/** What people have decided since ends it: they know what they do. */
function heldUntilMs(key: FleetKey, { clock, decisions, taints }: Parts): number | undefined {
  const [untilMs, escalation, asked] = [taints.heldUntilMs(key), taints.escalation(key), decisions.of(key)]
  if (untilMs === undefined || !escalation) return undefined
  if (asked && asked.by !== itself && asked.atMs > escalation.atMs) return undefined
  return clock.steady() + untilMs - clock.now()
}

function positionOf(key: FleetKey, decisions: Decisions, rollouts: Rollouts): RolloutPosition | undefined {
  const record = rollouts.of(key)
  if (!record) return undefined
  const { stage = 0, isSwitch = false, pausedAtMs } = record
  const isPaused = pausedAtMs !== undefined
  return { from: rollouts.fromOf(key), stage, isSwitch, isPaused, isWaiting: mustWait(key, decisions, rollouts) }
}

/** Whether a service that it depends on is rolled out first. */
export function mustWait(key: FleetKey, decisions: Decisions, rollouts: Rollouts): boolean {
  return waitsFor(key, decisions, rollouts).length > 0
}

/**
 * The services that it depends on and that are being rolled out. What was brought back from different releases may depend
 * on each other in a circle, which no stack file may: there, nobody waits.
 */
export function waitsFor(key: FleetKey, decisions: Decisions, rollouts: Rollouts): readonly string[] {
  const services = decisions.of(key)?.release.services ?? {}
  const { dependsOn = [] } = own(services, key.service) ?? {}
  const running = dependsOn.filter((service) => rollouts.of({ ...key, service }) !== undefined)
  if (running.length === 0) return []
  const dependencies = new Map(Object.entries(services).map(([name, { dependsOn: on = [] }]) => [name, on]))
  const circle = dependencyCycles(dependencies).find((cycle) => cycle.includes(key.service)) ?? []
  return running.filter((service) => !circle.includes(service))
}
