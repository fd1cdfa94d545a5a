/** A fleet whose versions can't overlap never has an instance started of one while one of another runs. */
import { fleetOf, isOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

export class OverlapMonitor implements Monitor {
  readonly #past: Past

  constructor(past: Past) {
    this.#past = past
  }

  onCall({ on, verb, subject }: Call, truth: WorldTruth): void {
    if (on !== 'engine' || verb !== 'start') return
    const fleet = fleetOf(subject, truth.fleets)
    if (fleet?.wanted?.rollout.strategy !== 'recreate' || fleet.isWaiting) return
    if (!this.#past.isSettled(fleet.key, truth.nowMs)) return
    const other = fleet.instances.find(
      ({ order, process, behaviour }) =>
        process && !process.exit && !behaviour.cannotRun && !isOf(subject, fleet.key, order.version),
    )
    if (other) throw new ViolationError('one version at a time', `${subject} is started while ${other.order.name} runs`)
  }
}
