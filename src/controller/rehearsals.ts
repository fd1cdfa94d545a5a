/**
 * Starts old versions aside, on the schedule of their service, so that a way back that would fail is known before it is
 * needed: one at a time, out of the router, and destroyed as soon as it has shown whether it gets healthy.
 */
import { asRepaveError } from '../errors.ts'
import { own } from '../model/own.ts'
import type { ServiceRelease } from '../model/release.ts'
import { defaultHistory, type FleetKey, fleetName } from '../model/stack.ts'
import { type VersionId, versionName } from '../model/version.ts'
import type { Fleet } from '../plan/fleet.ts'
import type { VersionRecord } from '../store/store.ts'
import type { Decisions } from './decisions.ts'
import { entryOf } from './records.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import type { ScopeView } from './views.ts'

interface Rehearsed {
  readonly key: FleetKey
  readonly version: VersionId
  readonly deadlineMs: number
}

/** So often, at most, the versions of a fleet are looked through. */
const lookMs = 60_000

export class Rehearsals {
  readonly #seams: Pick<Seams, 'store' | 'clock' | 'log'>
  readonly #decisions: Decisions
  readonly #rollouts: Pick<Rollouts, 'of'>
  readonly #lookedAtMs = new Map<string, number>()
  #current: Rehearsed | undefined

  constructor(seams: Pick<Seams, 'store' | 'clock' | 'log'>, decisions: Decisions, rollouts: Pick<Rollouts, 'of'>) {
    this.#seams = seams
    this.#decisions = decisions
    this.#rollouts = rollouts
  }

  /** The version that is tried now in a fleet. */
  of(key: FleetKey): VersionId | undefined {
    return this.#current && fleetName(this.#current.key) === fleetName(key) ? this.#current.version : undefined
  }

  /** The next time after `nowMs` at which something is to be done; what is due and held up waits for a full look. */
  nextTimeMs(views: readonly ScopeView[], nowMs: number): number | undefined {
    const scheduled = fleetsOf(views).filter(({ service }) => service && isRehearsed(service))
    const looks = scheduled.map(({ fleet }) => (this.#lookedAtMs.get(fleetName(fleet.key)) ?? -Infinity) + lookMs)
    const times = (this.#current ? [this.#current.deadlineMs] : looks).filter((time) => time > nowMs)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  /** Judges the one that runs, or begins the one that is due; `isCalm`: no rollout runs, and all is as it should be. */
  async tend(views: readonly ScopeView[], isCalm: (fleet: Fleet) => boolean): Promise<void> {
    try {
      if (this.#current) await this.#judge(views, this.#current)
      else await this.#beginDue(views, isCalm)
    } catch (error) {
      this.#seams.log(`a rehearsal failed: ${asRepaveError(error).message}`)
    }
  }

  async #beginDue(views: readonly ScopeView[], isCalm: (fleet: Fleet) => boolean): Promise<void> {
    const nowMs = this.#seams.clock.steady()
    for (const { fleet, service } of fleetsOf(views)) {
      const name = fleetName(fleet.key)
      if (
        !service ||
        !isRehearsed(service) ||
        nowMs < (this.#lookedAtMs.get(name) ?? -Infinity) + lookMs ||
        !isCalm(fleet)
      )
        continue
      this.#lookedAtMs.set(name, nowMs)
      const due = await this.#due(fleet.key, service)
      if (!due) continue
      this.#current = { key: fleet.key, version: due.version, deadlineMs: nowMs + service.rollout.deadlineMs }
      return
    }
  }

  /** Of the versions that can be gone back to, the one that was not tried for longest, if that is long enough. */
  async #due(key: FleetKey, service: ServiceRelease): Promise<VersionRecord | undefined> {
    const { store, clock } = this.#seams
    const everyMs = service.rehearsal?.everyMs ?? Infinity
    const { stack, environment } = key
    const others = (await store.versions({ stack, environment }, key.service)).filter(
      ({ version, state }) => version !== service.version && state !== 'failed',
    )
    const candidates = others
      .slice(0, service.history ?? defaultHistory)
      .filter(({ version, state }) => state === 'proven' && !this.#decisions.isRefused(key, version))
    const [oldest] = candidates.toSorted((a, b) => triedAtMs(a) - triedAtMs(b))
    return oldest && clock.now() - triedAtMs(oldest) >= everyMs ? oldest : undefined
  }

  async #judge(views: readonly ScopeView[], current: Rehearsed): Promise<void> {
    const { key, version, deadlineMs } = current
    const found = fleetsOf(views).find(({ fleet }) => fleetName(fleet.key) === fleetName(key))
    // A rollout makes no room for it: what it would have shown is not known.
    if (!found?.service || !isRehearsed(found.service) || this.#rollouts.of(key)) return this.#end()
    if (found.service.version === version) return this.#end()
    const instance = found.fleet.instances.find((each) => each.version === version)
    if (instance?.health === 'healthy') return this.#note(current, true, 'it got healthy')
    const isOver = this.#seams.clock.steady() >= deadlineMs
    if (instance?.phase === 'exited' || instance?.health === 'unhealthy')
      return this.#note(current, false, instance.detail ?? 'it did not get healthy')
    if (isOver) return this.#note(current, false, instance?.detail ?? 'no instance of it could be made in time')
  }

  async #note({ key, version }: Rehearsed, passed: boolean, message: string): Promise<void> {
    const { store, clock } = this.#seams
    const { service } = key
    const atMs = clock.now()
    const kind = `rehearsal.${passed ? 'passed' : 'failed'}`
    const words = `${versionName(service, version)}: ${message}`
    const entry = entryOf({ ...key, version }, { atMs, kind, message: words })
    await store.saveRehearsal({ ...key, version }, { atMs, passed, message }, entry)
    if (!passed) this.#seams.log(`${fleetName(key)}: a way back would fail: ${words}`)
    this.#end()
  }

  #end(): void {
    this.#current = undefined
  }
}

/** An instance of another version must not be beside those that can't overlap, or write to the same volume. */
function isRehearsed({ rehearsal, spec, rollout }: ServiceRelease): boolean {
  return rehearsal !== undefined && spec.data === undefined && rollout.strategy !== 'recreate'
}

/** A version that serves is as good as tried. */
function triedAtMs({ rehearsal, lastRunAtMs }: VersionRecord): number {
  return Math.max(rehearsal?.atMs ?? 0, lastRunAtMs)
}

function fleetsOf(views: readonly ScopeView[]): readonly { fleet: Fleet; service: ServiceRelease | undefined }[] {
  return views.flatMap(({ fleets, record }) =>
    fleets.map((fleet) => ({ fleet, service: own(record.release.services, fleet.key.service) })),
  )
}
