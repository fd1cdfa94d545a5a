/** Gives the running rollouts their verdicts, and carries these out. */
import type { ServiceRelease } from '../model/release.ts'
import { fleetName } from '../model/stack.ts'
import { shortVersion, versionName } from '../model/version.ts'
import type { Fleet } from '../plan/fleet.ts'
import { holdOf, isOfNews, stagesOf } from '../rollout/stages.ts'
import type { Aborted } from '../rollout/verdict.ts'
import type { ReleaseRecord, RolloutRecord } from '../store/store.ts'
import { lastWords } from './act.ts'
import type { Evidence } from '../rollout/evidence.ts'
import type { Decisions } from './decisions.ts'
import type { Figures, Watch } from './figures.ts'
import type { Gates, GateWatch } from './gates.ts'
import { mustWait } from './memory.ts'
import type { Recollection } from './recollection.ts'
import { entryOf, saveVersion } from './records.ts'
import type { Findings, Rollouts } from './rollouts.ts'
import type { Seams } from './seams.ts'
import type { ScopeView } from './views.ts'
import { own } from '../model/own.ts'

interface VerdictsParts {
  readonly seams: Seams
  readonly rollouts: Rollouts
  readonly recollection: Recollection
  readonly decisions: Decisions
  readonly figures: Figures
  readonly gates: Gates
}

/** A fleet, and the release that it is of. */
interface Running {
  readonly record: ReleaseRecord
  readonly fleet: Fleet
}

export class Verdicts {
  readonly #seams: Seams
  readonly #rollouts: Rollouts
  readonly #recollection: Recollection
  readonly #decisions: Decisions
  readonly #figures: Figures
  readonly #gates: Gates

  constructor({ seams, rollouts, recollection, decisions, figures, gates }: VerdictsParts) {
    this.#figures = figures
    this.#gates = gates
    this.#seams = seams
    this.#rollouts = rollouts
    this.#recollection = recollection
    this.#decisions = decisions
  }

  /** Listens to what the router tells of rollouts that are judged by it. */
  listen(views: readonly ScopeView[]): void {
    const fleets = views.flatMap((view) => view.fleets.map((fleet) => ({ record: view.record, fleet })))
    this.#figures.follow(fleets.flatMap((each) => this.#watchOf(each) ?? []))
    this.#gates.follow(fleets.flatMap((each) => this.#gateWatch(each) ?? []))
  }

  #gateWatch({ record, fleet }: Running): GateWatch | undefined {
    const { key } = fleet
    const rollout = this.#rollouts.of(key)
    const gates = own(record.release.services, key.service)?.rollout.verdict?.prometheus
    if (!rollout || rollout.isSwitch || !gates || this.#rollouts.heldSinceMs(key) === undefined) return undefined
    return { key, rollout: rollout.id, stage: rollout.stage ?? 0, gates }
  }

  #watchOf({ record, fleet }: Running): Watch | undefined {
    const rollout = this.#rollouts.of(fleet.key)
    const service = own(record.release.services, fleet.key.service)
    if (
      !rollout ||
      rollout.isSwitch ||
      !service ||
      !isOfNews(rollout.from, service) ||
      mustWait(fleet.key, this.#decisions, this.#rollouts)
    )
      return undefined
    const { verdict: policy } = service.rollout
    const { requests } = holdOf(rollout, service)
    if (policy === undefined && requests === 0) return undefined
    const isHeld = this.#rollouts.heldSinceMs(fleet.key) !== undefined
    const stage = isHeld ? (rollout.stage ?? 0) : undefined
    return { fleet, rollout: rollout.id, to: rollout.to, stage, requests, policy }
  }

  /** Ends the rollouts that have a verdict; true where that changed what is wanted. */
  async judge(views: readonly ScopeView[], nowMs: number): Promise<boolean> {
    let changed = false
    // As they were viewed: one whose turn comes with the verdict of another is viewed anew first.
    const waiting = new Set(
      views.flatMap(({ fleets }) =>
        fleets.filter(({ key }) => mustWait(key, this.#decisions, this.#rollouts)).map(({ key }) => fleetName(key)),
      ),
    )
    for (const { record, fleets } of views)
      for (const fleet of fleets) {
        const service = own(record.release.services, fleet.key.service)
        if (!service || !this.#decisions.isCurrent(record)) continue
        if (waiting.has(fleetName(fleet.key))) this.#rollouts.postpone(fleet.key)
        else changed = (await this.#judgeFleet(fleet, service, nowMs)) || changed
      }
    return changed
  }

  async #judgeFleet(fleet: Fleet, service: ServiceRelease, nowMs: number): Promise<boolean> {
    const rollout = this.#rollouts.of(fleet.key)
    if (!rollout) return this.#cool(fleet)
    const broken = this.#recollection.versionCannotRun(fleet.key, service.version)
    const findings = { ...findingsOf(this.#figures.evidence(fleet.key)), ...this.#gates.finding(fleet.key) }
    const verdict = this.#rollouts.judge(fleet, service, { ...(broken && { broken }), findings })
    if (verdict?.kind === 'aborted') return this.#abort(rollout, verdict)
    if (verdict?.kind === 'stepped') return this.#step(rollout, service, nowMs)
    return verdict?.kind === 'succeeded' ? this.#succeed(rollout, service, nowMs) : false
  }

  /** The time is over for which the fleet's earlier version was kept warm, or nothing of it is left. */
  async #cool({ key, instances }: Fleet): Promise<boolean> {
    const warm = this.#decisions.warm(key)
    if (!warm) return false
    const why = this.#whyCool(warm, instances)
    if (why !== undefined) await this.#decisions.cool(warm, why)
    return why !== undefined
  }

  #whyCool(warm: RolloutRecord, instances: Fleet['instances']): string | undefined {
    if ((this.#decisions.coolAtMs(warm) ?? 0) <= this.#seams.clock.steady()) return 'its time is over'
    if (warm.from !== null && this.#decisions.isRefused(warm, warm.from)) return 'it is refused'
    return instances.some(({ version }) => version === warm.from) ? undefined : 'nothing of it is left'
  }

  async #step(rollout: RolloutRecord, service: ServiceRelease, nowMs: number): Promise<boolean> {
    const stage = (rollout.stage ?? 0) + 1
    const { share = 0 } = stagesOf(service, false)?.[stage] ?? {}
    const message = `${versionName(rollout.service, rollout.to)} is to get ${share / 10} % of the requests`
    const entry = entryOf({ ...rollout, version: rollout.to }, { atMs: nowMs, kind: 'rollout.stepped', message })
    await this.#decisions.step(rollout, stage, entry)
    return true
  }

  async #succeed(rollout: RolloutRecord, service: ServiceRelease, nowMs: number): Promise<boolean> {
    // Before the rollout is over: a controller that dies in between leaves both to the next one.
    await saveVersion(this.#seams, rollout, service, 'proven')
    if (this.#rollouts.of(rollout) !== rollout) return true
    await this.#decisions.succeed(rollout, service, nowMs)
    return true
  }

  /** Back to what the fleet had; nothing, where it had nothing. */
  async #abort(rollout: RolloutRecord, { reason, isFault }: Aborted): Promise<boolean> {
    const current = this.#decisions.of(rollout)
    const failed = own(current?.release.services, rollout.service)
    if (!current || !failed) return false
    const logs = await this.#lastWords(rollout)
    if (!(await this.#decisions.takeBack(rollout, current, { reason, logs, isFault }))) return true
    await saveVersion(this.#seams, rollout, failed, 'failed')
    this.#seams.log(`${fleetName(rollout)}: rollout to ${shortVersion(rollout.to)} aborted: ${reason}`)
    return true
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

function findingsOf(evidence: Evidence | undefined): Findings {
  const judgement = evidence?.judgement() ?? { kind: 'fine' }
  if (judgement.kind === 'worse') return { worse: judgement.reason, answers: 0, requests: 0 }
  if (judgement.kind === 'fine') return { answers: 0, requests: 0 }
  return { answers: judgement.have, requests: judgement.need }
}
