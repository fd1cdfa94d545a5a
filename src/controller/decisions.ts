/** What was decided for each environment, and the verdicts on what was decided: the store's view, kept at hand. */
import { asRepaveError } from '../errors.ts'
import type { ObservedInstance } from '../engine/engine.ts'
import { canonicalJson } from '../model/canonical.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import { type Health, shortVersion, type VersionId, versionName } from '../model/version.ts'
import type { Fleet } from '../plan/fleet.ts'
import type { Decision, ReleaseRecord, RolloutEnd, RolloutRecord, RolloutStart, VersionRecord } from '../store/store.ts'
import { lastWords } from './act.ts'
import { recordDecision } from './record-decision.ts'
import type { Recollection } from './recollection.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import type { ScopeView } from './views.ts'

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

  isCurrent(record: ReleaseRecord): boolean {
    return this.of(record.release)?.sequence === record.sequence
  }

  /** Whether the instance is of the version that its fleet is to run. */
  isWanted(instance: ObservedInstance): boolean {
    return this.of(instance)?.release.services[instance.service]?.version === instance.claimed
  }

  /** Whether the instance gets no requests from the router, and no rollout to its version is under way. */
  isSettledUnrouted(instance: ObservedInstance): boolean {
    const service = this.of(instance)?.release.services[instance.service]
    return service?.routes.length === 0 && this.#rollouts.of(instance)?.to !== instance.claimed
  }

  /** How the health of an instance is judged; undefined where nobody knows its service any more. */
  healthOf(instance: ObservedInstance): HealthRule | undefined {
    const service = this.of(instance)?.release.services[instance.service]
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
    for (const event of await store.events({ kind: 'decision.replace' }))
      if (event.instance) this.#recollection.condemn(event.instance, event.atMs)
  }

  /** Makes a decision durable and takes it up. */
  async take({ release, decision, reason, by }: NewDecision): Promise<ReleaseRecord> {
    const { store, clock } = this.#seams
    const atMs = clock.now()
    const known = this.of(release)
    const before = known?.release
    const changed = Object.keys({ ...before?.services, ...release.services }).filter((service) =>
      differs(service, before, release),
    )
    const ends = changed.flatMap((service) => this.#superseded({ ...scopeOf(release), service }, atMs))
    const starts = changed.flatMap((service) => this.#start(service, before, release))
    const asked = { release, decision, reason, by, atMs, ends, starts }
    const { record, started } = await recordDecision(store, asked, known)
    for (const service of changed) this.#forget({ ...scopeOf(release), service })
    this.#adopt(record)
    for (const rollout of started) this.#rollouts.begin(rollout, atMs)
    this.#onChange()
    await this.#tellHistory(record, started, before)
    return record
  }

  /** Asks for a clean instance in the place of this one. */
  async condemn(key: FleetKey, instance: string, by: string): Promise<void> {
    const atMs = this.#seams.clock.now()
    const message = `a clean instance was asked for (by ${by})`
    await this.#seams.store.append({ ...key, instance, atMs, kind: 'decision.replace', message })
    this.#recollection.condemn(instance, atMs)
    this.#onChange()
  }

  /** Ends the rollouts that have a verdict; true where that changed what is wanted. */
  async judge(views: readonly ScopeView[], nowMs: number): Promise<boolean> {
    let changed = false
    for (const { record, fleets } of views)
      for (const fleet of fleets) {
        const service = record.release.services[fleet.key.service]
        if (service && this.isCurrent(record)) changed = (await this.#judgeFleet(fleet, service, nowMs)) || changed
      }
    return changed
  }

  async #judgeFleet(fleet: Fleet, service: ServiceRelease, nowMs: number): Promise<boolean> {
    const { key } = fleet
    const broken = this.#recollection.versionCannotRun(key, service.version)
    const verdict = this.#rollouts.judge(fleet, service, nowMs, broken)
    const rollout = this.#rollouts.of(key)
    if (!verdict || !rollout || verdict.kind === 'running') return false
    if (verdict.kind === 'aborted') return this.#abort(rollout, verdict.reason)
    // Before the rollout is over: a controller that dies in between leaves both to the next one.
    await this.#saveVersion(key, service, 'proven')
    if (this.#rollouts.of(key) !== rollout) return true
    await this.#seams.store.endRollout({ id: rollout.id, state: 'succeeded', endedAtMs: nowMs })
    if (this.#rollouts.of(key) === rollout) this.#rollouts.end(key)
    await this.#record(key, 'rollout.succeeded', `${versionName(key.service, rollout.to)} serves`, rollout.to)
    return false
  }

  /** Back to what the fleet had; nothing, where it had nothing. */
  async #abort(rollout: RolloutRecord, reason: string): Promise<boolean> {
    const { store, clock } = this.#seams
    const current = this.of(rollout)
    const failed = current?.release.services[rollout.service]
    if (!current || !failed) return false
    const logs = await this.#lastWords(rollout)
    const previous = await this.#previous(rollout, current)
    // Somebody may have decided something else while the store and the engine were asked.
    if (!this.isCurrent(current) || this.#rollouts.of(rollout) !== rollout) return true
    const { [rollout.service]: _failed, ...others } = current.release.services
    const release: Release = {
      ...current.release,
      services: { ...others, ...(previous && { [rollout.service]: previous }) },
    }
    const atMs = clock.now()
    const end: RolloutEnd = { id: rollout.id, state: 'aborted', reason, logs, endedAtMs: atMs }
    const decision = { release, decision: 'abort', reason, by: 'repave', atMs } as const
    const { record } = await recordDecision(store, { ...decision, ends: [end], starts: [] }, current)
    this.#forget(rollout)
    this.#adopt(record)
    await this.#saveVersion(rollout, failed, 'failed')
    await this.#record(rollout, 'rollout.aborted', [reason, ...logs].join('\n'), rollout.to)
    this.#seams.log(`${fleetName(rollout)}: rollout to ${shortVersion(rollout.to)} aborted: ${reason}`)
    return true
  }

  async #previous({ from, service }: RolloutRecord, current: ReleaseRecord): Promise<ServiceRelease | undefined> {
    if (from === null) return undefined
    const earlier = (await this.#seams.store.releases(current.release)).filter(
      ({ sequence }) => sequence < current.sequence,
    )
    return earlier.map(({ release }) => release.services[service]).find((released) => released?.version === from)
  }

  /** What the failing instance said last: from itself, or from the record where it is gone. */
  async #lastWords(rollout: RolloutRecord): Promise<readonly string[]> {
    const symptom = this.#rollouts.symptomOf(rollout)
    const live = symptom ? await lastWords(symptom.instance, this.#seams) : []
    if (live.length > 0) return live
    const { stack, environment, service } = rollout
    const exits = await this.#seams.store.events({ stack, environment, service, kind: 'instance.exited', last: 3 })
    const newest = exits.findLast((event) => event.version === rollout.to)
    return newest ? newest.message.split('\n').slice(1) : []
  }

  #superseded(key: FleetKey, endedAtMs: number): readonly RolloutEnd[] {
    const running = this.#rollouts.of(key)
    return running ? [{ id: running.id, state: 'superseded', endedAtMs }] : []
  }

  /** A rollout that supersedes another one leads back to where that one began. */
  #start(service: string, before: Release | undefined, release: Release): readonly RolloutStart[] {
    const next = release.services[service]
    if (!next) return []
    const running = this.#rollouts.of({ ...scopeOf(release), service })
    const from = running ? running.from : (before?.services[service]?.version ?? null)
    return [{ service, from, to: next.version }]
  }

  /** The decision stands already: what can't be told of it, say on a full disk, must not make it look refused. */
  async #tellHistory(
    record: ReleaseRecord,
    started: readonly RolloutRecord[],
    before: Release | undefined,
  ): Promise<void> {
    try {
      await this.#record(scopeOf(record.release), `decision.${record.decision}`, `${record.reason} (by ${record.by})`)
      for (const rollout of started) await this.#noteStart(rollout, before?.services[rollout.service])
    } catch (error) {
      this.#seams.log(`the history of ${scopeName(record.release)} lacks a decision: ${asRepaveError(error).message}`)
    }
  }

  async #noteStart(rollout: RolloutRecord, before: ServiceRelease | undefined): Promise<void> {
    const next = this.of(rollout)?.release.services[rollout.service]
    if (before && before.version !== rollout.to) await this.#saveVersion(rollout, before, 'unproven')
    if (next) await this.#saveVersion(rollout, next, 'unproven')
    await this.#record(
      rollout,
      'rollout.started',
      `from ${rollout.from ? shortVersion(rollout.from) : 'nothing'}`,
      rollout.to,
    )
  }

  /** A version that was proven once stays it, whatever a later rollout says. */
  async #saveVersion(
    key: FleetKey,
    { version, spec, imageName }: ServiceRelease,
    state: VersionRecord['state'],
  ): Promise<void> {
    const { store, clock } = this.#seams
    const { stack, environment, service } = key
    const known = (await store.versions(key, service)).find((each) => each.version === version)
    const lasting =
      known?.state === 'proven' || (known?.state === 'failed' && state === 'unproven') ? known.state : state
    const times = { firstRunAtMs: known?.firstRunAtMs ?? clock.now(), lastRunAtMs: clock.now() }
    await store.saveVersion({ stack, environment, service, version, spec, imageName, ...times, state: lasting })
  }

  async #resume(rollout: RolloutRecord): Promise<void> {
    const record = this.of(rollout)
    const { clock, store } = this.#seams
    if (record?.release.services[rollout.service]?.version === rollout.to)
      return this.#rollouts.begin(rollout, clock.now())
    await store.endRollout({ id: rollout.id, state: 'superseded', endedAtMs: clock.now() })
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

  async #record(
    subject: Scope & { service?: string },
    kind: string,
    message: string,
    version?: VersionId,
  ): Promise<void> {
    const { stack, environment, service } = subject
    const { store, clock } = this.#seams
    await store.append({
      atMs: clock.now(),
      stack,
      environment,
      ...(service && { service }),
      ...(version && { version }),
      kind,
      message,
    })
  }
}

function scopeOf({ stack, environment }: Scope): Scope {
  return { stack, environment }
}

function differs(service: string, before: Release | undefined, after: Release): boolean {
  const [old, next] = [before?.services[service], after.services[service]]
  if (!old || !next) return true
  return canonicalJson(old) !== canonicalJson(next)
}
