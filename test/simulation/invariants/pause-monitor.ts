/** While a rollout is paused, nothing of the new version is made in the place of the old one, and nothing old is let go. */
import { isFit, type FleetTruth, type WorldTruth } from '../fleet-truth.ts'
import { fleetOf, isOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

export class PauseMonitor implements Monitor {
  readonly #past: Past

  constructor(past: Past) {
    this.#past = past
  }

  onCall(call: Call, truth: WorldTruth): void {
    const { verb, subject } = call
    if (verb !== 'create' && verb !== 'remove' && verb !== 'destroy') return
    const fleet = fleetOf(subject, truth.fleets)
    if (!fleet || !isHeld(fleet) || !this.#past.isSettled(fleet.key, truth.nowMs)) return
    if (verb === 'create') this.#judgeMade(subject, fleet, truth)
    else this.#judgeLetGo(subject, fleet, truth)
  }

  #judgeMade(subject: string, fleet: FleetTruth, { leaving, nowMs }: WorldTruth): void {
    const { key, rollout, instances } = fleet
    const isLeft = instances.some(
      (instance) =>
        instance.order.version === rollout?.from?.version && isFit(instance) && !leaving.has(instance.order.name),
    )
    if (isLeft && isOf(subject, key, rollout?.service.version) && this.#past.isUnharmed(nowMs))
      throw new ViolationError('paused stays', `${subject} is made while its rollout is paused`)
  }

  #judgeLetGo(subject: string, fleet: FleetTruth, { leaving, nowMs }: WorldTruth): void {
    const { rollout, instances } = fleet
    const instance = instances.find(({ order }) => order.name === subject)
    if (!instance || instance.order.version !== rollout?.from?.version || leaving.has(subject)) return
    if (!isFit(instance) || this.#past.hasFaltered(instance) || this.#past.isCondemned(instance, fleet, nowMs)) return
    if (this.#past.wasLetGo(instance)) return
    throw new ViolationError('paused stays', `${subject} is let go while the rollout is paused`)
  }
}

/** One that replaces instance by instance, and is paused: where versions must not overlap, it goes back. */
function isHeld({ rollout, isWaiting }: FleetTruth): boolean {
  if (rollout?.record.pausedAtMs === undefined || isWaiting || !rollout.from) return false
  return rollout.from.version !== rollout.service.version && rollout.service.rollout.strategy === 'rolling'
}
