/** What a fleet had before stays ready for as long as was decided, unless another decision takes its place. */
import { fleetName } from '../../../src/model/stack.ts'
import { keepWarmMs } from '../../../src/rollout/stages.ts'
import type { Decided, Rollout } from '../decided.ts'
import { isFit, type WorldTruth } from '../fleet-truth.ts'
import { fleetOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

export class WarmMonitor implements Monitor {
  readonly #past: Past
  readonly #decided: Pick<Decided, 'isRefused'>
  /** By fleet name. */
  readonly #coolAtMs = new Map<string, number>()
  /** Those that were let go before, for whatever reason: nothing brings them back. */
  readonly #leaving = new Set<string>()

  constructor(past: Past, decided: Pick<Decided, 'isRefused'>) {
    this.#past = past
    this.#decided = decided
  }

  /** Where nothing of it is left, there is nothing to keep. */
  onRolloutChange({ record: before }: Rollout, { record, from, service }: Rollout, truth: WorldTruth): void {
    if (record.state !== 'succeeded') return
    const isRefused = from === undefined || this.#decided.isRefused(record, from)
    const warmMs = isRefused ? 0 : keepWarmMs(record.from, service)
    const fleet = truth.fleets.find(({ key }) => fleetName(key) === fleetName(record))
    const isLeft = fleet?.instances.some((each) => each.order.version === record.from && isFit(each)) === true
    if (warmMs === 0 || !isLeft) this.#coolAtMs.delete(fleetName(record))
    else if (before.state === 'running') this.#coolAtMs.set(fleetName(record), truth.nowMs + warmMs)
  }

  /** For how long it is yet to be kept is told by the time of day where the controller is another one since. */
  onDisturbance({ kind }: Disturbance): void {
    if (kind === 'clock' || kind === 'all') this.#coolAtMs.clear()
  }

  onCall({ verb, subject }: Call, truth: WorldTruth): void {
    if (verb === 'add' || verb === 'create') this.#leaving.delete(subject)
    if (verb !== 'remove' && verb !== 'destroy') return
    const wasLeaving = this.#leaving.has(subject)
    this.#leaving.add(subject)
    if (wasLeaving) return
    const fleet = fleetOf(subject, truth.fleets)
    const instance = fleet?.instances.find(({ order }) => order.name === subject)
    if (!fleet || !instance || instance.order.version !== fleet.replaced) return
    const isKept = truth.nowMs < (this.#coolAtMs.get(fleetName(fleet.key)) ?? -Infinity)
    if (
      !isKept ||
      !isFit(instance) ||
      this.#past.isCondemned(instance, fleet, truth.nowMs) ||
      this.#past.hasFaltered(instance)
    )
      return
    throw new ViolationError('warm for its time', `${subject} is kept warm, and is let go`)
  }
}
