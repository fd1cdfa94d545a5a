/** Gives the running rollouts their verdicts, and carries these out. */
import type { ServiceRelease } from '../model/release.ts'
import { fleetName } from '../model/stack.ts'
import { shortVersion, versionName } from '../model/version.ts'
import type { Fleet } from '../plan/fleet.ts'
import type { ReleaseRecord, RolloutRecord } from '../store/store.ts'
import { lastWords } from './act.ts'
import type { Decisions } from './decisions.ts'
import type { Recollection } from './recollection.ts'
import { entryOf, saveVersion } from './records.ts'
import type { Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import type { ScopeView } from './views.ts'
import { own } from '../model/own.ts'

export class Verdicts {
  readonly #seams: Seams
  readonly #rollouts: Rollouts
  readonly #recollection: Recollection
  readonly #decisions: Decisions

  constructor(seams: Seams, rollouts: Rollouts, recollection: Recollection, decisions: Decisions) {
    this.#seams = seams
    this.#rollouts = rollouts
    this.#recollection = recollection
    this.#decisions = decisions
  }

  /** Ends the rollouts that have a verdict; true where that changed what is wanted. */
  async judge(views: readonly ScopeView[], nowMs: number): Promise<boolean> {
    let changed = false
    for (const { record, fleets } of views)
      for (const fleet of fleets) {
        const service = own(record.release.services, fleet.key.service)
        if (service && this.#decisions.isCurrent(record))
          changed = (await this.#judgeFleet(fleet, service, nowMs)) || changed
      }
    return changed
  }

  async #judgeFleet(fleet: Fleet, service: ServiceRelease, nowMs: number): Promise<boolean> {
    const broken = this.#recollection.versionCannotRun(fleet.key, service.version)
    const verdict = this.#rollouts.judge(fleet, service, broken)
    const rollout = this.#rollouts.of(fleet.key)
    if (!verdict || !rollout || verdict.kind === 'running') return false
    if (verdict.kind === 'aborted') return this.#abort(rollout, verdict.reason)
    return this.#succeed(rollout, service, nowMs)
  }

  async #succeed(rollout: RolloutRecord, service: ServiceRelease, nowMs: number): Promise<boolean> {
    // Before the rollout is over: a controller that dies in between leaves both to the next one.
    await saveVersion(this.#seams, rollout, service, 'proven')
    if (this.#rollouts.of(rollout) !== rollout) return true
    const message = `${versionName(rollout.service, rollout.to)} serves`
    const entry = entryOf({ ...rollout, version: rollout.to }, { atMs: nowMs, kind: 'rollout.succeeded', message })
    await this.#seams.store.endRollout({ id: rollout.id, state: 'succeeded', endedAtMs: nowMs }, entry)
    if (this.#rollouts.of(rollout) === rollout) this.#rollouts.end(rollout)
    return false
  }

  /** Back to what the fleet had; nothing, where it had nothing. */
  async #abort(rollout: RolloutRecord, reason: string): Promise<boolean> {
    const current = this.#decisions.of(rollout)
    const failed = own(current?.release.services, rollout.service)
    if (!current || !failed) return false
    const logs = await this.#lastWords(rollout)
    const previous = await this.#previous(rollout, current)
    if (!(await this.#decisions.takeBack(rollout, current, previous, { reason, logs }))) return true
    await saveVersion(this.#seams, rollout, failed, 'failed')
    this.#seams.log(`${fleetName(rollout)}: rollout to ${shortVersion(rollout.to)} aborted: ${reason}`)
    return true
  }

  async #previous({ from, service }: RolloutRecord, current: ReleaseRecord): Promise<ServiceRelease | undefined> {
    if (from === null) return undefined
    const records = await this.#seams.store.releases(current.release)
    const earlier = records.filter(({ sequence }) => sequence < current.sequence)
    return earlier.map(({ release }) => own(release.services, service)).find((released) => released?.version === from)
  }

  /** What the failing instance said last: from itself, or from the record where it is gone. */
  async #lastWords(rollout: RolloutRecord): Promise<readonly string[]> {
    const symptom = this.#rollouts.symptomOf(rollout)
    const live = symptom ? await lastWords(symptom.instance, this.#seams) : []
    if (live.length > 0) return live
    const { stack, environment, service } = rollout
    const filter = { stack, environment, service, version: rollout.to, kinds: ['instance.exited'], last: 1 }
    const [newest] = await this.#seams.store.entries(filter)
    return newest?.lines ?? []
  }
}
