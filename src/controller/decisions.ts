/** What was decided for each environment: the store's view, kept at hand. */
import type { ObservedInstance } from '../engine/engine.ts'
import type { Entry } from '../model/entry.ts'
import { isHolding, type Lifted, type NewRefusal, type Refusal, refusedName } from '../model/refusal.ts'
import { isSameService, type Release, type ServiceRelease } from '../model/release.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import { type Health, type VersionId, versionName } from '../model/version.ts'
import type { Fleet } from '../plan/fleet.ts'
import { keepWarmMs } from '../rollout/stages.ts'
import type {
  Decision,
  ReleaseRecord,
  RolloutChange,
  RolloutEnd,
  RolloutRecord,
  RolloutStart,
  VersionRecord,
} from '../store/store.ts'
import { Serial } from '../system/serial.ts'
import { decisionEntries, liftEntry, refusalEntry, supersededEntry } from './decision-entries.ts'
import type { Examined } from './inventory.ts'
import { recordChange, recordDecision } from './record-decision.ts'
import { entryOf, itself, versionRecord } from './records.ts'
import { closeIntents, recallIntents } from './recovery.ts'
import type { Recollection } from './recollection.ts'
import { Refusals } from './refusals.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import { abortDecision, type Failure, previousOf, whatGoesBack } from './taking-back.ts'
import { own } from '../model/own.ts'

export interface NewDecision {
  readonly release: Release
  readonly decision: Decision
  readonly reason: string
  readonly by: string
  /** What must not run any more; only a recall has any. */
  readonly refuses?: readonly NewRefusal[]
}

/** What puts something else in the place of what `refusal` is about; undefined where nothing of it is to run. */
export type Replace = (current: Release, refusal: NewRefusal) => Promise<Release | undefined>

export interface Refused extends Pick<Examined, 'unjudged'> {
  readonly refusal: Refusal
  /** Whether it was not refused already. */
  readonly isNew: boolean
}

/** What a recall brought about. */
export interface Recalled extends Pick<Examined, 'unjudged'> {
  /** Whether it was not refused already. */
  readonly isNew: boolean
  /** What was decided with it. */
  readonly record?: ReleaseRecord
}

export interface HealthRule {
  readonly health: Health
  readonly startLimitMs: number
}

/** A rollout whose earlier version is kept warm, and until when, on the steady clock. */
interface Warmth {
  readonly rollout: RolloutRecord
  readonly coolAtMs: number
}

export class Decisions {
  readonly #seams: Seams
  readonly #rollouts: Rollouts
  readonly #recollection: Recollection
  readonly #onChange: () => void
  readonly #records = new Map<string, ReleaseRecord>()
  /** What people asked for; a rollout that is taken back does not change it. */
  readonly #asked = new Map<string, ReleaseRecord>()
  readonly #deciding = new Serial()
  /** Each version of each fleet as it was released last, by `fleet@version`. */
  readonly #released = new Map<string, ServiceRelease>()
  /** By fleet name. */
  readonly #warm = new Map<string, Warmth>()
  readonly refusals: Refusals

  constructor(seams: Seams, rollouts: Rollouts, recollection: Recollection, onChange: () => void) {
    this.#seams = seams
    this.#rollouts = rollouts
    this.#recollection = recollection
    this.#onChange = onChange
    this.refusals = new Refusals(seams)
  }

  current(): readonly ReleaseRecord[] {
    return [...this.#records.values()]
  }

  of(scope: Scope): ReleaseRecord | undefined {
    return this.#records.get(scopeName(scope))
  }

  /** The newest decision that somebody asked this controller for. */
  asked(scope: Scope): ReleaseRecord | undefined {
    return this.#asked.get(scopeName(scope))
  }

  isCurrent(record: ReleaseRecord): boolean {
    return this.of(record.release)?.sequence === record.sequence
  }

  /** Whether the instance is of the version that its fleet is to run, or of what it still has beside that. */
  isWanted(instance: ObservedInstance): boolean {
    const released = own(this.of(instance)?.release.services, instance.service)
    return [released, this.#rollouts.fromOf(instance)].some((service) => service?.version === instance.claimed)
  }

  /** Whether the instance gets no requests from the router, and no rollout to its version is under way. */
  isSettledUnrouted(instance: ObservedInstance): boolean {
    const service = own(this.of(instance)?.release.services, instance.service)
    return service?.routes.length === 0 && this.#rollouts.of(instance)?.to !== instance.claimed
  }

  /** How the health of an instance is judged; undefined where nobody knows its service any more. */
  healthOf(instance: ObservedInstance): HealthRule | undefined {
    const current = own(this.of(instance)?.release.services, instance.service)
    const service = this.released(instance, instance.claimed) ?? current
    return service && { health: service.spec.health, startLimitMs: (current ?? service).rollout.deadlineMs }
  }

  /** What a fleet is to run; undefined where its service goes away. */
  service(key: FleetKey): ServiceRelease | undefined {
    return own(this.of(key)?.release.services, key.service)
  }

  /** A version as it was released last, with its routes and policies; undefined where it never was. */
  released(key: FleetKey, version: VersionId): ServiceRelease | undefined {
    return this.#released.get(`${fleetName(key)}@${version}`)
  }

  /** Whether no further instance of the version may be made. */
  isRefused(key: FleetKey, version: VersionId): boolean {
    const released = this.released(key, version)
    return released !== undefined && this.refusals.of(key, released) !== undefined
  }

  /** The rollout whose earlier version the fleet keeps warm. */
  warm(key: FleetKey): RolloutRecord | undefined {
    return this.#warm.get(fleetName(key))?.rollout
  }

  /** When that is over, on the steady clock. */
  coolAtMs(key: FleetKey): number | undefined {
    return this.#warm.get(fleetName(key))?.coolAtMs
  }

  /** Reads back what earlier controllers decided, and ends what they could not. */
  async recover(): Promise<void> {
    const { store } = this.#seams
    await this.refusals.recover()
    for (const record of await store.currentReleases()) {
      for (const earlier of (await store.releases(record.release)).toReversed()) this.#remember(earlier)
      this.#adopt(record)
    }
    for (const rollout of await store.runningRollouts()) await this.#resume(rollout)
    for (const rollout of await store.warmRollouts())
      if ((await store.rollouts(rollout, 1))[0]?.id === rollout.id) this.#recallWarmth(rollout)
    await recallIntents(this.#seams, this.#recollection)
    await closeIntents(this.#seams)
  }

  /** Makes a decision durable and takes it up. */
  take(decision: NewDecision): Promise<ReleaseRecord> {
    return this.#deciding.run(() => this.#take(decision))
  }

  async #take({ release, decision, reason, by, refuses = [] }: NewDecision): Promise<ReleaseRecord> {
    const atMs = this.#seams.clock.now()
    const known = this.of(release)
    const before = known?.release
    const changed = Object.keys({ ...before?.services, ...release.services }).filter((service) =>
      differs(service, before, release),
    )
    await this.refusals.admit(scopeOf(release), some(release.services, changed))
    const superseded = changed.flatMap((service) => this.#rollouts.of({ ...scopeOf(release), service }) ?? [])
    const ends = superseded.map(({ id }): RolloutEnd => ({ id, state: 'superseded', endedAtMs: atMs }))
    const starts = changed.flatMap((service) => this.#start(service, before, release, decision))
    const previous = starts.map(({ service, from }) => from && this.released({ ...scopeOf(release), service }, from))
    const versions = await this.#versionsOf(release, starts, before)
    const asked = { release, decision, reason, by, atMs, ends, starts, refuses, versions }
    const entries = decisionEntries(asked, superseded)
    const { record, started, refused } = await recordDecision(this.#seams, { ...asked, entries }, known)
    this.refusals.note(refused)
    for (const service of changed) this.#forget({ ...scopeOf(release), service })
    this.#adopt(record)
    this.#asked.set(scopeName(release), record)
    started.forEach((rollout, index) => this.#rollouts.begin(rollout, previous[index] || undefined))
    this.#onChange()
    return record
  }

  /** Refuses something, unless that is so already: what runs of it serves on. */
  refuse(refusal: NewRefusal): Promise<Refused> {
    return this.#deciding.run(async () => {
      const examined = await this.examine(refusal)
      return { ...(await this.#refuse(examined.refusal)), unjudged: examined.unjudged }
    })
  }

  /** With all that it is about among the images that the environment has run. */
  async examine(refusal: NewRefusal): Promise<Examined> {
    if (!isHolding(refusal.what)) return { refusal, unjudged: [] }
    const current = Object.entries(this.of(refusal)?.release.services ?? {})
    const versions = [
      ...current.map(([service, { version, spec }]) => ({ service, version, spec })),
      ...(await this.#seams.store.versions(scopeOf(refusal))),
    ]
    const names = Map.groupBy(versions, ({ spec }) => spec.image)
    const images = [...names].map(([image, each]) => [image, namesOf(each)] as const)
    return this.refusals.examine(refusal, new Map(images))
  }

  async #refuse(refusal: NewRefusal): Promise<Omit<Refused, 'unjudged'>> {
    const known = this.refusals.same(refusal)
    const recorded = known ?? (await this.refusals.refuse(refusal, refusalEntry(refusal)))
    this.#onChange()
    return { refusal: recorded, isNew: !known }
  }

  /** Refuses something with what `replace` puts in its place; undefined where the environment is not to run it. */
  recall(asked: NewRefusal, replace: Replace): Promise<Recalled> {
    return this.#deciding.run(async () => {
      const { refusal, unjudged } = await this.examine(asked)
      const current = this.of(refusal)
      const release = current && (await replace(current.release, refusal))
      if (!release) return { unjudged, isNew: (await this.#refuse(refusal)).isNew }
      const isNew = this.refusals.same(refusal) === undefined
      const reason = `${refusedName(refusal)} is recalled: ${refusal.reason}`
      const refuses = isNew ? [refusal] : []
      return {
        unjudged,
        isNew,
        record: await this.#take({ release, decision: 'recall', reason, by: refusal.by, refuses }),
      }
    })
  }

  /** What was refused may run again. */
  lift(refusal: Refusal, by: string, reason: string): Promise<Refusal> {
    return this.#deciding.run(async () => {
      const lifted: Lifted = { by, reason, atMs: this.#seams.clock.now() }
      const recorded = await this.refusals.lift(refusal, lifted, liftEntry(refusal, lifted))
      this.#onChange()
      return recorded
    })
  }

  /** Asks for a clean instance in the place of this one. */
  async condemn(key: FleetKey, instance: string, by: string): Promise<void> {
    const atMs = this.#seams.clock.now()
    const message = 'a clean instance was asked for'
    const what = { atMs, kind: 'decision.replace', by, message }
    await this.#seams.store.append(entryOf({ ...key, instance }, what))
    this.#recollection.condemn(instance)
    this.#onChange()
  }

  /** Asks for clean instances in the place of all that these fleets have. */
  async repave(fleets: readonly Fleet[], { by, ...about }: Scope & { readonly by: string; readonly service?: string }) {
    const message = 'clean instances were asked for in the place of all'
    const what = { atMs: this.#seams.clock.now(), kind: 'decision.repave', by, message }
    await this.#seams.store.append(entryOf(about, what))
    for (const { instances } of fleets) for (const { name } of instances) this.#recollection.condemn(name)
    this.#onChange()
  }

  /**
   * Ends `rollout` as failed, and puts what was there before in the place of what its decision brought: of the whole
   * decision, or where the release says so, of its service alone. False where somebody has decided something else.
   */
  takeBack(rollout: RolloutRecord, current: ReleaseRecord, why: Failure): Promise<boolean> {
    return this.#deciding.run(() => this.#takeBack(rollout, current, why, itself))
  }

  /** Takes `rollout` back because somebody wants that, whatever stage it has come to meanwhile. False where it has ended. */
  abort(rollout: RolloutRecord, by: string): Promise<boolean> {
    return this.#deciding.run(async () => {
      const [running, current] = [this.#rollouts.of(rollout), this.of(rollout)]
      if (running?.id !== rollout.id || !current) return false
      return this.#takeBack(running, current, { reason: `aborted by ${by}`, logs: [] }, by)
    })
  }

  async #takeBack(rollout: RolloutRecord, current: ReleaseRecord, why: Failure, by: string): Promise<boolean> {
    if (!this.isCurrent(current) || this.#rollouts.of(rollout) !== rollout) return false
    const isRefused = (service: string, released: ServiceRelease) =>
      this.refusals.of({ ...scopeOf(rollout), service }, released)
    const { release, affected } = await whatGoesBack(rollout, current, this.#seams.store, isRefused)
    const running = affected.filter((each) => this.#rollouts.of(each)?.id === each.id)
    const abort = abortDecision({ rollout, release, running, why, by, atMs: this.#seams.clock.now() })
    const { record, refused } = await recordDecision(this.#seams, abort, current)
    this.refusals.note(refused)
    for (const each of affected) this.#forget(each)
    this.#adopt(record)
    this.#onChange()
    return true
  }

  /** Records a pause or its end, or that somebody promoted it. False where it has ended. */
  change(rollout: RolloutRecord, change: Omit<RolloutChange, 'id'>, entry: Entry): Promise<boolean> {
    return this.#deciding.run(async () => {
      const current = this.#rollouts.of(rollout)
      if (current?.id !== rollout.id) return false
      await this.#change(current, change, entry)
      return true
    })
  }

  /** Records that its next stage begins; nothing, where it is not as it was judged any more. */
  step(rollout: RolloutRecord, stage: number, entry: Entry): Promise<void> {
    return this.#deciding.run(async () => {
      if (this.#rollouts.of(rollout) === rollout) await this.#change(rollout, { stage }, entry)
    })
  }

  async #change(rollout: RolloutRecord, change: Omit<RolloutChange, 'id'>, entry: Entry): Promise<void> {
    const { pausedAtMs, ...others } = change
    const { pausedAtMs: before, ...rest } = rollout
    const paused = pausedAtMs === undefined ? before : pausedAtMs
    const changed = { ...rest, ...others, ...(typeof paused === 'number' && { pausedAtMs: paused }) }
    await recordChange(this.#seams, changed, () =>
      this.#seams.store.changeRollout({ id: rollout.id, ...change }, entry),
    )
    this.#rollouts.change(changed)
    this.#onChange()
  }

  /** Ends a rollout well, unless it is not as it was judged any more; what the fleet had stays warm if it may run. */
  succeed(rollout: RolloutRecord, service: ServiceRelease, atMs: number): Promise<void> {
    return this.#deciding.run(() => this.#succeed(rollout, service, atMs))
  }

  async #succeed(rollout: RolloutRecord, service: ServiceRelease, atMs: number): Promise<void> {
    if (this.#rollouts.of(rollout) !== rollout) return
    const mayRun = rollout.from !== null && !this.isRefused(rollout, rollout.from)
    const warmMs = mayRun ? keepWarmMs(rollout.from, service) : 0
    const message = `${versionName(rollout.service, rollout.to)} serves`
    const entry = entryOf({ ...rollout, version: rollout.to }, { atMs, kind: 'rollout.succeeded', message })
    const warm = warmMs > 0 ? { warmUntilMs: atMs + warmMs } : {}
    await this.#seams.store.endRollout({ id: rollout.id, state: 'succeeded', endedAtMs: atMs, ...warm }, entry)
    if (warmMs > 0) this.#keepWarm({ ...rollout, ...warm }, warmMs)
    this.#rollouts.end(rollout)
  }

  #keepWarm(rollout: RolloutRecord, forMs: number): void {
    this.#warm.set(fleetName(rollout), { rollout, coolAtMs: this.#seams.clock.steady() + forMs })
  }

  /** What the fleet had before its last rollout is not kept warm any longer. */
  async cool(rollout: RolloutRecord, message: string): Promise<void> {
    const what = { atMs: this.#seams.clock.now(), kind: 'fleet.cooled', message }
    const version = rollout.from === null ? {} : { version: rollout.from }
    await this.#seams.store.coolRollout(rollout.id, entryOf({ ...rollout, ...version }, what))
    if (this.warm(rollout)?.id === rollout.id) this.#warm.delete(fleetName(rollout))
    this.#onChange()
  }

  /** A rollout that supersedes another one leads back to where that one began. */
  #start(service: string, before: Release | undefined, release: Release, decision: Decision): readonly RolloutStart[] {
    const next = own(release.services, service)
    if (!next) return []
    const running = this.#rollouts.of({ ...scopeOf(release), service })
    const from = running ? running.from : (own(before?.services, service)?.version ?? null)
    const isBack = decision === 'rollback' || decision === 'recall'
    return [{ service, from, to: next.version, ...(isBack && from !== null && { isSwitch: true }) }]
  }

  /** What each fleet leaves and what it is to run; none of it is proven by that alone. */
  async #versionsOf(
    release: Release,
    starts: readonly RolloutStart[],
    before: Release | undefined,
  ): Promise<readonly VersionRecord[]> {
    const runs = starts.flatMap(({ service, to }) => {
      const [left, next] = [own(before?.services, service), own(release.services, service)]
      return [left?.version === to ? undefined : left, next].flatMap((released) =>
        released ? [{ service, released }] : [],
      )
    })
    return Promise.all(
      runs.map(({ service, released }) =>
        versionRecord(this.#seams, { ...scopeOf(release), service }, released, 'unproven'),
      ),
    )
  }

  async #resume(rollout: RolloutRecord): Promise<void> {
    const record = this.of(rollout)
    const { clock, store } = this.#seams
    if (own(record?.release.services, rollout.service)?.version === rollout.to)
      return this.#rollouts.begin(rollout, previousOf(rollout, await store.releases(rollout)))
    const atMs = clock.now()
    await store.endRollout({ id: rollout.id, state: 'superseded', endedAtMs: atMs }, supersededEntry(rollout, atMs))
  }

  /** Not for longer than it was to be in all, whatever has become of the time of day. */
  #recallWarmth(rollout: RolloutRecord): void {
    const service = own(this.of(rollout)?.release.services, rollout.service)
    const leftMs = (rollout.warmUntilMs ?? 0) - this.#seams.clock.now()
    this.#keepWarm(rollout, Math.min(leftMs, service ? keepWarmMs(rollout.from, service) : 0))
  }

  #adopt(record: ReleaseRecord): void {
    this.#records.set(scopeName(record.release), record)
    this.#remember(record)
  }

  #remember(record: ReleaseRecord): void {
    this.#recollection.rememberDrain(record)
    for (const [service, released] of Object.entries(record.release.services))
      this.#released.set(`${fleetName({ ...scopeOf(record.release), service })}@${released.version}`, released)
  }

  #forget(key: FleetKey): void {
    this.#rollouts.end(key)
    this.#warm.delete(fleetName(key))
    this.#recollection.forgive(key)
  }
}

function some<Value>(
  record: Readonly<Record<string, Value>>,
  names: readonly string[],
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)))
}

function namesOf(versions: readonly Pick<VersionRecord, 'service' | 'version'>[]): readonly string[] {
  return [...new Set(versions.map(({ service, version }) => versionName(service, version)))]
}

function scopeOf({ stack, environment }: Scope): Scope {
  return { stack, environment }
}

function differs(service: string, before: Release | undefined, after: Release): boolean {
  return !isSameService(own(before?.services, service), own(after.services, service))
}
