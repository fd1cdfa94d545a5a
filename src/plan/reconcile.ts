/**
 * The heart: from what is wanted and what is observed to the effects that bring them closer.
 *
 * Pure and level-triggered: it remembers nothing, so that any pass, also the first one after a crash, ends
 * in the same place. An effect that is under way (`busy`) is never issued again.
 */
import type { VersionId } from '../model/version.ts'
import { rollingMoves, type RollingMoves } from '../rollout/rolling.ts'
import { type Fleet, type FleetInstance, instanceName, isEnding, isLeaving, isReady, whyOutdated } from './fleet.ts'

export type Effect =
  | { readonly kind: 'create'; readonly instance: string; readonly version: VersionId; readonly reason: string }
  | { readonly kind: 'start'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'route'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'unroute'; readonly instance: string; readonly drainMs: number; readonly reason: string }
  | { readonly kind: 'destroy'; readonly instance: string; readonly graceMs: number; readonly reason: string }

/** What to do now for one fleet; none of it depends on another of the same answer. */
export function reconcile(fleet: Fleet, nowMs: number): readonly Effect[] {
  const { dead, wanted, unwanted } = sort(fleet)
  const moves = countMoves(fleet, wanted)
  return [
    ...wanted.flatMap((instance) => advance(instance, fleet)),
    ...(nowMs < fleet.createAfterMs ? [] : create(fleet, moves.create)),
    ...dead.flatMap(bury),
    ...retire(fleet, unwanted, moves),
  ]
}

interface Sorted {
  /** Exited, or known to the router only. */
  readonly dead: readonly FleetInstance[]
  /** Of the wanted version, and not more than the replicas. */
  readonly wanted: readonly FleetInstance[]
  readonly unwanted: readonly Unwanted[]
}

interface Unwanted {
  readonly instance: FleetInstance
  readonly reason: string
}

function sort(fleet: Fleet): Sorted {
  const dead = fleet.instances.filter((instance) => !isAlive(instance))
  const fitting: FleetInstance[] = []
  const unwanted: Unwanted[] = []
  for (const instance of fleet.instances.filter(isAlive)) {
    const reason = whyOutdated(instance, fleet.target)
    if (reason !== undefined) unwanted.push({ instance, reason })
    else if (isLeaving(instance)) unwanted.push({ instance, reason: 'on its way out' })
    else fitting.push(instance)
  }
  fitting.sort(
    (a, b) => progress(b, fleet) - progress(a, fleet) || a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1),
  )
  const surplus = fitting.slice(fleet.target.replicas)
  const reason = `${fitting.length} run where ${fleet.target.replicas} are wanted`
  return {
    dead,
    wanted: fitting.slice(0, fleet.target.replicas),
    unwanted: [...unwanted, ...surplus.map((instance) => ({ instance, reason }))],
  }
}

/** How far an instance has come on its way to serving. */
function progress(instance: FleetInstance, fleet: Fleet): number {
  if (isReady(instance, fleet.target)) return 3
  if (instance.health === 'healthy') return 2
  return instance.phase === 'running' ? 1 : 0
}

interface Moves extends RollingMoves {
  readonly ready: number
  /** How many more would have to serve to reach the floor. */
  readonly lacking: number
}

function countMoves(fleet: Fleet, wanted: readonly FleetInstance[]): Moves {
  const { replicas, surge, floor } = fleet.target
  const alive = fleet.instances.filter(isAlive)
  const ready = alive.filter((instance) => isReady(instance, fleet.target)).length
  const unhealthy = alive.filter(isFailing).length
  const occupying = alive.filter((instance) => isFailing(instance) || !isLeaving(instance)).length
  const moves = rollingMoves({ replicas, surge, floor, current: wanted.length, occupying, ready, unhealthy })
  return { ...moves, ready, lacking: Math.max(0, floor - ready) }
}

function isAlive(instance: FleetInstance): boolean {
  return instance.phase === 'created' || instance.phase === 'running'
}

/** It served once, or should have by now; it may recover until it is destroyed. */
function isFailing(instance: FleetInstance): boolean {
  return instance.health === 'unhealthy' && !isEnding(instance)
}

function advance(instance: FleetInstance, fleet: Fleet): readonly Effect[] {
  if (instance.busy) return []
  if (instance.phase === 'created')
    return [{ kind: 'start', instance: instance.name, reason: 'created and not yet started' }]
  if (!fleet.target.routed || instance.rotation === 'in' || instance.health !== 'healthy') return []
  return [{ kind: 'route', instance: instance.name, reason: 'healthy' }]
}

function create(fleet: Fleet, count: number): readonly Effect[] {
  const { version, replicas } = fleet.target
  if (version === null || count === 0) return []
  const taken = new Set(fleet.instances.map((instance) => instance.name))
  const effects: Effect[] = []
  for (let ordinal = 1; effects.length < count; ordinal++) {
    const instance = instanceName(fleet.key, version, ordinal)
    if (!taken.has(instance)) effects.push({ kind: 'create', instance, version, reason: `${replicas} are wanted` })
  }
  return effects
}

/**
 * Requests that an instance had when it ended leave it by themselves, to be tried again elsewhere: within
 * milliseconds, or a few attempts to reach it. To cut them before that would lose them.
 */
const deadDrainMs = 2_000

function bury(instance: FleetInstance): readonly Effect[] {
  if (instance.busy) return []
  const reason = instance.detail ?? (instance.phase === 'gone' ? 'it is gone' : 'it has exited')
  if (instance.rotation !== 'out') return [{ kind: 'unroute', instance: instance.name, drainMs: deadDrainMs, reason }]
  return instance.phase === 'gone' ? [] : [{ kind: 'destroy', instance: instance.name, graceMs: 0, reason }]
}

/**
 * Lets go of what is unwanted: at once what never served, of what serves only as many as the floor allows, of what
 * fails only as many as others have taken the place of.
 * While too few serve, whatever still can goes (back) into rotation: a router that lost everything in the
 * middle of a rollout must not cost the old instances that carry it.
 */
function retire(fleet: Fleet, unwanted: readonly Unwanted[], moves: Moves): readonly Effect[] {
  const { target } = fleet
  const serving = unwanted.filter(({ instance }) => isReady(instance, target)).toSorted(leavesFirst)
  const released = new Set(serving.slice(0, moves.release))
  const failing = unwanted.filter(({ instance }) => isFailing(instance) && instance.rotation === 'out')
  const givenUp = new Set(failing.slice(0, moves.giveUp))
  return unwanted.flatMap((item): readonly Effect[] => {
    const { instance, reason } = item
    if (instance.busy) return []
    if (isReady(instance, target) && !released.has(item)) return []
    if (moves.lacking > 0 && canServe(instance)) return rescue(instance, fleet)
    // An unhealthy instance that is the only one in rotation may still answer some requests; nothing else would.
    if (isFailing(instance) && instance.rotation === 'in' && moves.ready === 0 && target.floor > 0) return []
    if (instance.rotation !== 'out')
      return [{ kind: 'unroute', instance: instance.name, drainMs: target.drainMs, reason }]
    if (isFailing(instance) && !givenUp.has(item)) return []
    return [{ kind: 'destroy', instance: instance.name, graceMs: target.drainMs, reason }]
  })
}

function canServe(instance: FleetInstance): boolean {
  return instance.phase === 'running' && instance.health === 'healthy' && instance.intact && !isLeaving(instance)
}

function rescue(instance: FleetInstance, fleet: Fleet): readonly Effect[] {
  if (!fleet.target.routed || instance.rotation === 'in') return []
  return [{ kind: 'route', instance: instance.name, reason: `fewer than ${fleet.target.floor} serve` }]
}

/** Condemned instances first, then the oldest. */
function leavesFirst(a: Unwanted, b: Unwanted): number {
  return (
    Number(b.instance.condemned) - Number(a.instance.condemned) ||
    a.instance.createdAtMs - b.instance.createdAtMs ||
    (a.instance.name < b.instance.name ? -1 : 1)
  )
}
