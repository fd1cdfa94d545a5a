/**
 * The heart: from what is wanted and what is observed to the effects that bring them closer.
 *
 * Pure and level-triggered: it remembers nothing, so that any pass, also the first one after a crash, ends
 * in the same place. An effect that is under way (`busy`) is never issued again.
 */
import type { VersionId } from '../model/version.ts'
import { rollingMoves, type RollingMoves } from '../rollout/rolling.ts'
import {
  type Fleet,
  type FleetInstance,
  type FleetTarget,
  type Group,
  groupOf,
  instanceName,
  isEnding,
  isLeaving,
  isReady,
  isRouted,
  type Lane,
  laneShare,
  mainLane,
  otherLane,
  whyOutdated,
} from './fleet.ts'
import { mostEndsAlone } from './limits.ts'
import { wantedSplit } from './split.ts'

export type Effect =
  | {
      readonly kind: 'create'
      readonly instance: string
      readonly version: VersionId
      readonly reason: string
      /** It is only made now, and started once nothing of another version is left. */
      readonly isAhead?: true
    }
  | { readonly kind: 'start'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'route'; readonly instance: string; readonly lane: Lane; readonly reason: string }
  | {
      readonly kind: 'unroute'
      readonly instance: string
      readonly drainMs: number
      readonly reason: string
      /** What it is still given time for is cut. */
      readonly isCut?: true
    }
  /** Seals it off, and keeps evidence of it. */
  | { readonly kind: 'isolate'; readonly instance: string; readonly reason: string }
  | { readonly kind: 'destroy'; readonly instance: string; readonly graceMs: number; readonly reason: string }

/** What to do now for one fleet; none of it depends on another of the same answer. */
export function reconcile(fleet: Fleet, nowMs: number): readonly Effect[] {
  const sorted = sort(fleet)
  const moves = countMoves(fleet, sorted)
  return [
    ...sorted.crews.flatMap((crew) => advance(crew, fleet)),
    ...create(fleet, sorted, moves.create, nowMs),
    ...sorted.dead.flatMap(bury),
    ...sorted.tainted.flatMap((instance) => expel(instance, fleet)),
    ...retire(fleet, sorted, moves),
  ]
}

/** The instances that a group has, and not more than it is to have. */
interface Crew {
  readonly group: Group
  readonly members: readonly FleetInstance[]
}

interface Sorted {
  /** Exited, or known to the router only. */
  readonly dead: readonly FleetInstance[]
  readonly tainted: readonly FleetInstance[]
  readonly crews: readonly Crew[]
  readonly unwanted: readonly Unwanted[]
}

interface Unwanted {
  readonly instance: FleetInstance
  readonly reason: string
}

function sort(fleet: Fleet): Sorted {
  const { instances, target } = fleet
  const fitting: FleetInstance[] = []
  const unwanted: Unwanted[] = []
  for (const instance of instances.filter(isClean)) {
    const reason = whyOutdated(instance, target) ?? (isLeaving(instance) ? 'on its way out' : undefined)
    if (reason === undefined) fitting.push(instance)
    else unwanted.push({ instance, reason })
  }
  const crews = target.groups.map((group) => crewOf(group, fitting, fleet))
  const members = new Set(crews.flatMap((crew) => crew.members))
  const surplus = fitting.filter((instance) => !members.has(instance))
  return {
    dead: instances.filter((instance) => !isAlive(instance)),
    tainted: instances.filter((instance) => isAlive(instance) && instance.taint),
    crews,
    unwanted: [
      ...unwanted,
      ...surplus.map((instance) => ({ instance, reason: surplusWords(instance, fitting, fleet) })),
    ],
  }
}

/** Those that have come furthest; the router has no more of them than it is to have. */
function crewOf(group: Group, fitting: readonly FleetInstance[], fleet: Fleet): Crew {
  const candidates = fitting
    .filter(({ version }) => version === group.version)
    .toSorted(
      (a, b) => progress(b, fleet) - progress(a, fleet) || a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1),
    )
  let routed = 0
  const members = candidates.filter((instance) => !isRouted(instance) || ++routed <= group.routed)
  return { group, members: members.slice(0, group.count) }
}

function surplusWords({ version }: FleetInstance, fitting: readonly FleetInstance[], { target }: Fleet): string {
  const run = fitting.filter((instance) => instance.version === version).length
  return `${run} run where ${groupOf(target, version)?.count ?? 0} are wanted`
}

/** How far an instance has come on its way to serving. */
function progress(instance: FleetInstance, fleet: Fleet): number {
  if (isReady(instance, fleet.target)) return 4
  if (instance.health === 'healthy') return isRouted(instance) ? 3 : 2
  return instance.phase === 'running' ? 1 : 0
}

interface Moves extends RollingMoves {
  readonly ready: number
  /** How many more would have to serve to reach the floor. */
  readonly lacking: number
}

function countMoves(fleet: Fleet, { crews }: Sorted): Moves {
  const { instances, target } = fleet
  const { replicas, surge, floor, groups } = target
  const alive = instances.filter(isClean)
  const ready = alive.filter((instance) => isReady(instance, target)).length
  const lasting = alive.filter((instance) => isReady(instance, target) && keepsShare(instance, fleet)).length
  const unhealthy = alive.filter(isFailing).length
  const occupying = alive.filter((instance) => isOccupying(instance, target)).length
  const ceiling = groups.reduce((sum, { count }) => sum + count, 0) + surge + countLeft(fleet)
  const missing = crews.reduce((sum, crew) => sum + lack(crew), 0)
  const moves = rollingMoves({ replicas, ceiling, surge, floor, missing, occupying, ready: lasting, unhealthy })
  return { ...moves, ready, lacking: Math.max(0, floor - ready) }
}

/** Where versions must not overlap, none takes the room of another, and each keeps its own to the end. */
function isOccupying(instance: FleetInstance, target: FleetTarget): boolean {
  if (target.isApart) return groupOf(target, instance.version) !== undefined
  return isFailing(instance) || !isLeaving(instance)
}

/** Whether its lane gets requests also once the split is as it should be by now. */
function keepsShare({ lane }: FleetInstance, fleet: Fleet): boolean {
  const splits = [wantedSplit(fleet), fleet.splitting ?? fleet.split]
  return lane === undefined || splits.every((split) => laneShare(split, lane) > 0)
}

/**
 * How many of those in the lane that requests are to leave have no place among what is wanted: what takes theirs needs
 * room beside them, as in a rollout by shares.
 */
function countLeft({ instances, target, split }: Fleet): number {
  const { groups, share } = target
  const serving = instances.filter((each) => isRouted(each) && isAlive(each) && !isLeaving(each))
  const there = serving.filter(({ lane }) => lane !== share.lane)
  if (!share.isExclusive) return laneShare(split, share.lane) < share.thousandths ? there.length : 0
  // Of what a fleet had none of by then, whatever still serves is one too, in either lane.
  const strangers = serving.filter(({ version }) => !groupOf(target, version)?.count).length
  const meant = groups.filter(({ lane }) => lane !== share.lane).reduce((sum, { count }) => sum + count, 0)
  return Math.max(0, strangers - meant)
}

/** How many instances of a group have to be made. */
function lack({ group, members }: Crew): number {
  return group.isKeptWhole ? Math.max(0, group.count - members.length) : 0
}

function isAlive(instance: FleetInstance): boolean {
  return instance.phase === 'created' || instance.phase === 'running'
}

function isClean(instance: FleetInstance): boolean {
  return isAlive(instance) && !instance.taint
}

/** It served once, or should have by now; it may recover until it is destroyed. */
function isFailing(instance: FleetInstance): boolean {
  return instance.health === 'unhealthy' && !isEnding(instance)
}

/** Starts what is made, and gives the router as many of those that are healthy as it lacks. */
function advance({ group, members }: Crew, fleet: Fleet): readonly Effect[] {
  const routed = members.filter((instance) => isRouted(instance) || instance.busy === 'route').length
  const ready = fleet.target.routed ? members.filter(isWaiting).slice(0, Math.max(0, group.routed - routed)) : []
  const mayStart = !hasOthers(group, fleet, mayRun)
  return [
    ...members
      .filter(({ phase, busy }) => mayStart && phase === 'created' && !busy)
      .map(({ name }): Effect => ({ kind: 'start', instance: name, reason: 'created and not yet started' })),
    ...ready.map(({ name }): Effect => ({ kind: 'route', instance: name, lane: group.lane, reason: 'healthy' })),
  ]
}

function isWaiting(instance: FleetInstance): boolean {
  return !instance.busy && instance.phase === 'running' && instance.health === 'healthy' && instance.rotation === 'out'
}

function create(fleet: Fleet, { crews }: Sorted, count: number, nowMs: number): readonly Effect[] {
  const taken = new Set(fleet.instances.map((instance) => instance.name))
  const effects: Effect[] = []
  if (nowMs < (fleet.heldUntilMs ?? 0)) return effects
  for (const crew of crews) {
    if (nowMs < (fleet.createAfterMs.get(crew.group.version) ?? 0)) continue
    const missing = Math.min(lack(crew), count - effects.length)
    effects.push(...freeNames(crew.group, fleet, taken, missing).map((name) => order(crew.group, name, fleet)))
  }
  return effects
}

function order(group: Group, instance: string, fleet: Fleet): Effect {
  const { version, count } = group
  const isAhead = hasOthers(group, fleet, isAlive)
  return { kind: 'create', instance, version, reason: `${count} are wanted`, ...(isAhead && { isAhead }) }
}

/** Whether there are such instances of versions that this one must not overlap with. */
function hasOthers(
  { version }: Group,
  { instances, target }: Fleet,
  isSuch: (instance: FleetInstance) => boolean,
): boolean {
  return target.isApart && instances.some((instance) => instance.version !== version && isSuch(instance))
}

/** Runs, or will where what is being done to it has that effect. */
function mayRun({ phase, busy }: FleetInstance): boolean {
  return phase === 'running' || (phase === 'created' && busy !== undefined)
}

/** The first `count` that nothing has. */
function freeNames({ version }: Group, { key }: Fleet, taken: ReadonlySet<string>, count: number): readonly string[] {
  const names: string[] = []
  for (let ordinal = 1; names.length < count; ordinal++) {
    const name = instanceName(key, version, ordinal)
    if (!taken.has(name)) names.push(name)
  }
  return names
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
 * Whatever the floor: out of rotation with its requests cut, sealed off with what is in it kept, and destroyed. What has
 * been told to end does. One that somebody opened drains, and waits for the end of that.
 */
function expel(instance: FleetInstance, { target }: Fleet): readonly Effect[] {
  const { name, taint, rotation, phase, busy, isCut } = instance
  if (!taint) return []
  const { reason, isDrained, isHeld, isRecorded } = taint
  if (busy === 'unroute' && !isCut && !isDrained && rotation !== 'out')
    return [{ kind: 'unroute', instance: name, drainMs: 0, reason, isCut: true }]
  if (busy) return []
  const drainMs = isDrained ? target.drainMs : 0
  if (rotation !== 'out') return [{ kind: 'unroute', instance: name, drainMs, reason }]
  if (isHeld || !isRecorded) return []
  if (taint.isCaptured || phase === 'created' || instance.ending)
    return [{ kind: 'destroy', instance: name, graceMs: 0, reason }]
  return [{ kind: 'isolate', instance: name, reason }]
}

/**
 * Lets go of what is unwanted: at once what never served, of what serves only as many as the floor allows, of what
 * fails only as many as others have taken the place of.
 * While too few serve, whatever still can goes (back) into rotation: a router that lost everything in the
 * middle of a rollout must not cost the old instances that carry it.
 */
function retire(fleet: Fleet, { unwanted, crews }: Omit<Sorted, 'dead'>, moves: Moves): readonly Effect[] {
  const { target } = fleet
  const held = heldBack(fleet, { unwanted, crews })
  const serving = unwanted.filter(({ instance }) => isReady(instance, target)).toSorted(leavesFirst)
  const released = new Set(serving.slice(0, moves.release))
  const failing = unwanted.filter(({ instance }) => isFailing(instance) && instance.rotation === 'out')
  const givenUp = new Set(failing.slice(0, moves.giveUp))
  return unwanted.flatMap((item): readonly Effect[] => {
    const { instance, reason } = item
    if (instance.busy) return []
    if (isReady(instance, target) && !released.has(item)) return []
    if (held.has(instance)) return []
    if (isBeingGiven(instance, fleet)) return []
    if (moves.lacking > 0 && instance.rotation !== 'warm' && canServe(instance) && !isSurplus(instance, fleet))
      return rescue(instance, fleet)
    // An unhealthy instance that is the only one in rotation may still answer some requests; nothing else would.
    if (isFailing(instance) && instance.rotation === 'in' && moves.ready === 0 && target.floor > 0) return []
    if (instance.rotation !== 'out')
      return [{ kind: 'unroute', instance: instance.name, drainMs: target.drainMs, reason }]
    if (isFailing(instance) && !givenUp.has(item)) return []
    return [{ kind: 'destroy', instance: instance.name, graceMs: target.drainMs, reason }]
  })
}

/**
 * Where versions must not overlap, requests wait from when the last one leaves until the first one of the next version
 * serves. So all are made before any leaves, and of many, the last ones, which can end at the same time, serve until the
 * others have ended.
 */
function heldBack(
  { target, instances }: Fleet,
  { unwanted, crews }: Pick<Sorted, 'unwanted' | 'crews'>,
): ReadonlySet<FleetInstance> {
  if (!target.isApart) return new Set()
  const serving = unwanted.filter(({ instance }) => mayServe(instance, target)).toSorted(leavesFirst)
  const names = serving.map(({ instance }) => instance)
  if (crews.some(isIncomplete)) return new Set(names)
  const last = names.slice(-mostEndsAlone)
  const leaving = instances.filter((each) => isAlive(each) && !groupOf(target, each.version) && !names.includes(each))
  return new Set(names.length + leaving.length > mostEndsAlone ? last : [])
}

/** Some of it have still to be made. */
function isIncomplete(crew: Crew): boolean {
  return lack(crew) > 0 || crew.members.some(({ busy }) => busy === 'create')
}

/** Is of another version, and may still answer requests. */
function mayServe(instance: FleetInstance, target: FleetTarget): boolean {
  if (groupOf(target, instance.version) || isFailing(instance) || isLeaving(instance)) return false
  return instance.phase === 'running' && (isRouted(instance) || !target.routed)
}

/** Its lane was warm when it was looked at, and was being given requests then. */
function isBeingGiven({ rotation, lane }: FleetInstance, { splitting }: Fleet): boolean {
  return rotation === 'warm' && lane !== undefined && splitting !== undefined && laneShare(splitting, lane) > 0
}

function canServe(instance: FleetInstance): boolean {
  const { phase, health, intact, refused } = instance
  return phase === 'running' && health === 'healthy' && intact && !refused && !isLeaving(instance)
}

/** Others of its version serve in its place, as many as are to: a stage gives it to no more of them. */
function isSurplus({ version, condemned }: FleetInstance, { instances, target }: Fleet): boolean {
  const group = groupOf(target, version)
  if (!group || condemned) return false
  const serving = instances.filter((each) => each.version === version && isReady(each, target)).length
  return serving >= group.routed
}

/** A stranger goes where it keeps no new version from its requests. */
function rescue(instance: FleetInstance, { target, split }: Fleet): readonly Effect[] {
  if (!target.routed || isRouted(instance)) return []
  const { lane: next, isExclusive } = target.share
  const lane = groupOf(target, instance.version)?.lane ?? (isExclusive ? otherLane(next) : mainLane(split))
  return [{ kind: 'route', instance: instance.name, lane, reason: `fewer than ${target.floor} serve` }]
}

/** Condemned instances first, then the oldest. */
function leavesFirst(a: Unwanted, b: Unwanted): number {
  return (
    Number(b.instance.condemned) - Number(a.instance.condemned) ||
    a.instance.createdAtMs - b.instance.createdAtMs ||
    (a.instance.name < b.instance.name ? -1 : 1)
  )
}
