/** One fleet in simulated time: what the engine, the router and the record would say of it. */
import type { ServiceTimeline, TimelineAssumption, TimelinePoint } from '../model/report.ts'
import { isSameService, type ServiceRelease } from '../model/release.ts'
import type { FleetKey } from '../model/stack.ts'
import { type VersionId, versionName } from '../model/version.ts'
import { allRequests } from '../rollout/stage.ts'
import { keepWarmMs } from '../rollout/stages.ts'
import type { Fleet, FleetInstance, FleetTarget, Lane } from './fleet.ts'
import { type Effect, reconcile } from './reconcile.ts'
import { isPrepared, wantedSplit } from './split.ts'
import { endedTarget, fleetTarget } from './target.ts'
import type { EffectTimes } from './timeline-effects.ts'
import { versionShares } from './timeline-figures.ts'
import { InstancesRun, type Pending } from './timeline-instances.ts'
import { TimelineLog } from './timeline-log.ts'
import { RolloutRun, type RolloutStart } from './timeline-rollout.ts'
import {
  abortedEvent,
  assumptionsOf,
  cooledEvent,
  heldEvent,
  requestsAssumption,
  shareEvent,
  succeededEvent,
  waitingEvent,
} from './timeline-words.ts'

/** A fleet as it is when `up` decides. */
export interface FleetStart {
  readonly key: FleetKey
  /** As it is released now. */
  readonly before: ServiceRelease | undefined
  /** As it is to be; undefined: it goes away. */
  readonly after: ServiceRelease | undefined
  readonly instances: readonly FleetInstance[]
  readonly split: number
  /** The rollout that runs. */
  readonly rollout?: RolloutStart
  /** What is kept warm, and for how much longer. */
  readonly warm?: Warm
  readonly times: EffectTimes
  /** Where the times come from. */
  readonly assumptions: readonly TimelineAssumption[]
  /** Absent: as many come as are needed. */
  readonly requestsPerSecond?: number
}

interface Warm {
  readonly version: VersionId
  readonly untilMs: number
}

/** What a pass comes to. */
interface Look {
  readonly hasChanged: boolean
  readonly effects: readonly Effect[]
}

const noHold = { holdMs: 0, requests: 0 }

export class FleetRun {
  readonly start: FleetStart
  /** Whether `up` changes the service. */
  readonly isDecided: boolean
  readonly #log = new TimelineLog()
  readonly #instances: InstancesRun
  #split: number
  #rollout: RolloutRun | undefined
  #warm: Warm | undefined
  #isWaiting = false
  #outcome: ServiceTimeline['outcome']
  #endedAtMs: number | undefined

  constructor(start: FleetStart) {
    const { instances, split, rollout, warm, before, after, times } = start
    this.start = start
    this.isDecided = !isSameService(before, after)
    this.#instances = new InstancesRun(instances, { times, routed: after?.routes.length !== 0, log: this.#log })
    this.#split = split
    this.#warm = this.isDecided ? undefined : warm
    const running = this.isDecided ? after && begun(rollout ? rollout.from : before) : rollout
    this.#rollout = running && new RolloutRun(running)
  }

  get isRolledOut(): boolean {
    return this.#rollout !== undefined
  }

  get isAborted(): boolean {
    return this.#outcome === 'aborted'
  }

  get size(): number {
    return this.#instances.size
  }

  /** A pass of the loop over this fleet: judges, shares the requests, and says which effects are due. */
  look(nowMs: number, waitsFor: readonly string[]): Look {
    if (this.isAborted) return { hasChanged: false, effects: [] }
    this.#wait(nowMs, waitsFor)
    const seen = this.#fleet()
    const hasJudged = !this.#isWaiting && this.#judge(seen, nowMs)
    const fleet = hasJudged ? this.#fleet() : seen
    const effects = this.isAborted ? [] : reconcile(fleet, nowMs)
    return { hasChanged: this.#share(fleet) || hasJudged, effects }
  }

  /** Begins an effect; answers what comes of it later, first its end. */
  begin(effect: Effect): readonly Pending[] {
    return this.#instances.begin(effect).map((pending) => this.#unlessAborted(pending))
  }

  /** What is on its way already. */
  underWay(): readonly Pending[] {
    return this.#instances.underWay().map((pending) => this.#unlessAborted(pending))
  }

  /** When time alone may change something next; Infinity where it can't. */
  nextTimeMs(nowMs: number): number {
    const { after } = this.start
    if (this.isAborted) return Infinity
    const judgedMs = after && !this.#isWaiting ? this.#rollout?.nextTimeMs(after, nowMs) : undefined
    const times = [judgedMs ?? Infinity, this.#warm?.untilMs ?? Infinity]
    return Math.min(...times.filter((time) => time > nowMs))
  }

  /** What is simulated ends here: what comes back then is not. */
  abort(reason: string, nowMs: number): void {
    this.#outcome = 'aborted'
    this.#rollout = undefined
    this.#endedAtMs = nowMs
    this.#log.note(abortedEvent(reason))
  }

  closeMoment(nowMs: number): void {
    this.#log.close(nowMs, () => figuresOf(this.#fleet(), this.start.after?.version, this.#instances.left))
  }

  /** Undefined where nothing happens. */
  report(): ServiceTimeline | undefined {
    const { key, after } = this.start
    const { points } = this.#log
    if (points.every(({ events }) => events.length === 0)) return undefined
    const name = (version: VersionId) => versionName(key.service, version)
    const from = this.#from()
    return {
      service: key.service,
      from: from === undefined ? null : name(from.version),
      to: after ? name(after.version) : null,
      ...(after && { strategy: after.rollout.strategy }),
      replicas: after?.replicas ?? 0,
      floor: this.#fleet().target.floor,
      durationMs: this.#endedAtMs ?? points.at(-1)?.atMs ?? 0,
      ...(this.#outcome && { outcome: this.#outcome }),
      points,
      assumptions: this.#assumptions(),
    }
  }

  #assumptions(): readonly TimelineAssumption[] {
    const { after, assumptions, requestsPerSecond } = this.start
    const from = this.#from()
    const isStaged = from !== undefined && from.version !== after?.version
    return [
      ...assumptionsOf(this.#log.points, assumptions),
      ...(after ? requestsAssumption(after, isStaged, requestsPerSecond) : []),
    ]
  }

  #from(): ServiceRelease | undefined {
    const { before, rollout } = this.start
    return rollout ? rollout.from : before
  }

  #fleet(): Fleet {
    const instances = this.#instances.seen(this.#split)
    return {
      key: this.start.key,
      target: this.#target(instances),
      instances,
      createAfterMs: new Map(),
      split: this.#split,
    }
  }

  #target(instances: readonly FleetInstance[]): FleetTarget {
    const { after, before } = this.start
    if (!after) return endedTarget(before?.drainMs ?? 0)
    const rollout = this.#rollout?.position(this.#isWaiting)
    const warm = this.#warm?.version
    return fleetTarget(after, {
      instances,
      split: this.#split,
      ...(rollout && { rollout }),
      ...(warm !== undefined && { warm }),
    })
  }

  #wait(nowMs: number, waitsFor: readonly string[]): void {
    const mustWait = this.#rollout !== undefined && waitsFor.length > 0
    if (mustWait && !this.#isWaiting) this.#log.note(waitingEvent(waitsFor))
    if (mustWait) this.#rollout?.postpone(nowMs)
    this.#isWaiting = mustWait
  }

  #judge(fleet: Fleet, nowMs: number): boolean {
    const { after: service } = this.start
    const rollout = this.#rollout
    if (!rollout || !service) return this.#cool(nowMs)
    const wasHeld = rollout.isHeld
    const hold = rollout.hold(service)
    const given = rollout.judge({ fleet, service, answersPerSecond: this.#answersPerSecond(fleet, service) }, nowMs)
    const isWatched = hold.holdMs > 0 || hold.requests > 0
    if (rollout.isHeld && !wasHeld && isWatched && !fleet.target.share.isExclusive)
      this.#log.note(heldEvent(service.version, hold))
    if (given.kind === 'aborted') this.abort(given.reason, nowMs)
    if (given.kind === 'succeeded') this.#succeed(rollout, service, nowMs)
    return given.kind !== 'running'
  }

  #answersPerSecond(fleet: Fleet, { version }: ServiceRelease): number {
    const { requestsPerSecond = Infinity, key } = this.start
    if (requestsPerSecond === Infinity) return Infinity
    const { versions } = figuresOf(fleet, version, this.#instances.left)
    const share = versions.find((each) => each.version === versionName(key.service, version))?.share ?? 0
    return requestsPerSecond * share
  }

  #succeed({ from }: RolloutRun, service: ServiceRelease, nowMs: number): void {
    const version = from?.version ?? null
    const warmMs = keepWarmMs(version, service)
    this.#log.note(succeededEvent(service.version, version, warmMs))
    if (version !== null && warmMs > 0) this.#warm = { version, untilMs: nowMs + warmMs }
    this.#outcome = 'succeeded'
    this.#endedAtMs = nowMs
    this.#rollout = undefined
  }

  #cool(nowMs: number): boolean {
    if (!this.#warm || this.#warm.untilMs > nowMs) return false
    this.#log.note(cooledEvent(this.#warm.version))
    this.#warm = undefined
    return true
  }

  /** As the router is told: the lane that gets more from now on is the news. */
  #share(fleet: Fleet): boolean {
    const toB = wantedSplit(fleet)
    if (this.isAborted || !fleet.target.routed || toB === this.#split) return false
    const lane: Lane = toB > this.#split ? 'b' : 'a'
    this.#split = toB
    const group = fleet.target.groups.find((each) => each.lane === lane)
    const { after } = this.start
    const isStage = fleet.target.share.isExclusive && isPrepared(fleet)
    const hold = (isStage && after && this.#rollout?.hold(after)) || noHold
    if (group) this.#log.note(shareEvent(group.version, lane === 'b' ? toB : allRequests - toB, hold))
    return true
  }

  #unlessAborted({ afterMs, happen }: Pending): Pending {
    return { afterMs, happen: () => (this.isAborted ? undefined : happen()) }
  }
}

function figuresOf(
  fleet: Fleet,
  last: VersionId | undefined,
  left: ReadonlySet<string>,
): Pick<TimelinePoint, 'ready' | 'versions'> {
  const versions = versionShares(fleet, last, left)
  return { ready: versions.reduce((sum, { ready }) => sum + ready, 0), versions }
}

/** A rollout that supersedes another one leads from where that one began. */
function begun(from: ServiceRelease | undefined): RolloutStart {
  return { from, stage: 0, isSwitch: false, isPromoted: false }
}
