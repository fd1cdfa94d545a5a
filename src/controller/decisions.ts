/** What was decided for each environment: the store's view, kept at hand. */
import { asRepaveError } from '../errors.ts'
import type { ObservedInstance } from '../engine/engine.ts'
import { isSameService, type Release, type ServiceRelease } from '../model/release.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import type { Health, VersionId } from '../model/version.ts'
import type { Decision, ReleaseRecord, RolloutEnd, RolloutRecord, RolloutStart } from '../store/store.ts'
import { Serial } from '../system/serial.ts'
import { decisionEntries, decisionEntry, supersededEntry } from './decision-entries.ts'
import { recordDecision } from './record-decision.ts'
import { entryOf, itself, saveVersion } from './records.ts'
import { closeIntents, recallIntents } from './recovery.ts'
import type { Recollection } from './recollection.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import { own } from '../model/own.ts'

export interface NewDecision {
  readonly release: Release
  readonly decision: Decision
  readonly reason: string
  readonly by: string
}

export interface HealthRule {
  readonly health: Health
  readonly startLimitMs: number
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
  readonly #healthOfVersion = new Map<string, Health>()

  constructor(seams: Seams, rollouts: Rollouts, recollection: Recollection, onChange: () => void) {
    this.#seams = seams
    this.#rollouts = rollouts
    this.#recollection = recollection
    this.#onChange = onChange
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

  /** Whether the instance is of the version that its fleet is to run. */
  isWanted(instance: ObservedInstance): boolean {
    return own(this.of(instance)?.release.services, instance.service)?.version === instance.claimed
  }

  /** Whether the instance gets no requests from the router, and no rollout to its version is under way. */
  isSettledUnrouted(instance: ObservedInstance): boolean {
    const service = own(this.of(instance)?.release.services, instance.service)
    return service?.routes.length === 0 && this.#rollouts.of(instance)?.to !== instance.claimed
  }

  /** How the health of an instance is judged; undefined where nobody knows its service any more. */
  healthOf(instance: ObservedInstance): HealthRule | undefined {
    const service = own(this.of(instance)?.release.services, instance.service)
    const health = this.#healthOfVersion.get(`${fleetName(instance)}@${instance.claimed}`) ?? service?.spec.health
    return health && { health, startLimitMs: service?.rollout.deadlineMs ?? 0 }
  }

  /** Reads back what earlier controllers decided, and ends what they could not. */
  async recover(): Promise<void> {
    const { store } = this.#seams
    for (const record of await store.currentReleases()) {
      for (const earlier of (await store.releases(record.release)).toReversed())
        this.#recollection.rememberDrain(earlier)
      for (const version of await store.versions(record.release))
        this.#rememberHealth(version, version.version, version.spec.health)
      this.#adopt(record)
    }
    for (const rollout of await store.runningRollouts()) await this.#resume(rollout)
    await recallIntents(this.#seams, this.#recollection)
    await closeIntents(this.#seams)
  }

  /** Makes a decision durable and takes it up. */
  take(decision: NewDecision): Promise<ReleaseRecord> {
    return this.#deciding.run(() => this.#take(decision))
  }

  async #take({ release, decision, reason, by }: NewDecision): Promise<ReleaseRecord> {
    const atMs = this.#seams.clock.now()
    const known = this.of(release)
    const before = known?.release
    const changed = Object.keys({ ...before?.services, ...release.services }).filter((service) =>
      differs(service, before, release),
    )
    const superseded = changed.flatMap((service) => this.#rollouts.of({ ...scopeOf(release), service }) ?? [])
    const ends = superseded.map(({ id }): RolloutEnd => ({ id, state: 'superseded', endedAtMs: atMs }))
    const starts = changed.flatMap((service) => this.#start(service, before, release))
    const asked = { release, decision, reason, by, atMs, ends, starts }
    const entries = decisionEntries(asked, superseded)
    const { record, started } = await recordDecision(this.#seams, { ...asked, entries }, known)
    for (const service of changed) this.#forget({ ...scopeOf(release), service })
    this.#adopt(record)
    this.#asked.set(scopeName(release), record)
    for (const rollout of started) this.#rollouts.begin(rollout)
    this.#onChange()
    await this.#saveVersions(record, started, before)
    return record
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

  /**
   * Puts `previous` in the place of what `rollout` led to; nothing, where it is undefined. False where somebody has
   * decided something else since `current`.
   */
  takeBack(
    rollout: RolloutRecord,
    current: ReleaseRecord,
    previous: ServiceRelease | undefined,
    why: Required<Pick<RolloutRecord, 'reason' | 'logs'>>,
  ): Promise<boolean> {
    return this.#deciding.run(() => this.#takeBack(rollout, current, previous, why))
  }

  async #takeBack(
    rollout: RolloutRecord,
    current: ReleaseRecord,
    previous: ServiceRelease | undefined,
    why: Required<Pick<RolloutRecord, 'reason' | 'logs'>>,
  ): Promise<boolean> {
    if (!this.isCurrent(current) || this.#rollouts.of(rollout) !== rollout) return false
    const { [rollout.service]: _failed, ...others } = current.release.services
    const services = { ...others, ...(previous && { [rollout.service]: previous }) }
    const release: Release = { ...current.release, services }
    const atMs = this.#seams.clock.now()
    const end: RolloutEnd = { id: rollout.id, state: 'aborted', ...why, endedAtMs: atMs }
    const asked = { release, decision: 'abort', reason: why.reason, by: itself, atMs, ends: [end], starts: [] } as const
    const aborted = { atMs, kind: 'rollout.aborted', message: why.reason, lines: why.logs }
    const entries = [decisionEntry(asked), entryOf({ ...rollout, version: rollout.to }, aborted)]
    const { record } = await recordDecision(this.#seams, { ...asked, entries }, current)
    this.#forget(rollout)
    this.#adopt(record)
    return true
  }

  /** A rollout that supersedes another one leads back to where that one began. */
  #start(service: string, before: Release | undefined, release: Release): readonly RolloutStart[] {
    const next = own(release.services, service)
    if (!next) return []
    const running = this.#rollouts.of({ ...scopeOf(release), service })
    const from = running ? running.from : (own(before?.services, service)?.version ?? null)
    return [{ service, from, to: next.version }]
  }

  /** The decision stands already: that its versions can't be noted, say on a full disk, must not make it look refused. */
  async #saveVersions(
    record: ReleaseRecord,
    started: readonly RolloutRecord[],
    before: Release | undefined,
  ): Promise<void> {
    try {
      for (const rollout of started) await this.#saveVersionsOf(rollout, own(before?.services, rollout.service))
    } catch (error) {
      this.#seams.log(`the versions of ${scopeName(record.release)} lack some: ${asRepaveError(error).message}`)
    }
  }

  async #saveVersionsOf(rollout: RolloutRecord, before: ServiceRelease | undefined): Promise<void> {
    const next = own(this.of(rollout)?.release.services, rollout.service)
    if (before && before.version !== rollout.to) await saveVersion(this.#seams, rollout, before, 'unproven')
    if (next) await saveVersion(this.#seams, rollout, next, 'unproven')
  }

  async #resume(rollout: RolloutRecord): Promise<void> {
    const record = this.of(rollout)
    const { clock, store } = this.#seams
    if (own(record?.release.services, rollout.service)?.version === rollout.to) return this.#rollouts.begin(rollout)
    const atMs = clock.now()
    await store.endRollout({ id: rollout.id, state: 'superseded', endedAtMs: atMs }, supersededEntry(rollout, atMs))
  }

  #adopt(record: ReleaseRecord): void {
    this.#records.set(scopeName(record.release), record)
    this.#recollection.rememberDrain(record)
    for (const [service, { version, spec }] of Object.entries(record.release.services))
      this.#rememberHealth({ ...scopeOf(record.release), service }, version, spec.health)
  }

  #rememberHealth(key: FleetKey, version: VersionId, health: Health): void {
    this.#healthOfVersion.set(`${fleetName(key)}@${version}`, health)
  }

  #forget(key: FleetKey): void {
    this.#rollouts.end(key)
    this.#recollection.forgive(key)
  }
}

function scopeOf({ stack, environment }: Scope): Scope {
  return { stack, environment }
}

function differs(service: string, before: Release | undefined, after: Release): boolean {
  return !isSameService(own(before?.services, service), own(after.services, service))
}
