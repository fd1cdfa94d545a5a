/** A fleet whose versions can't overlap never has an instance made of one while there is one of another. */
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
    if (on !== 'engine' || verb !== 'create') return
    const fleet = fleetOf(subject, truth.fleets)
    if (fleet?.wanted?.rollout.strategy !== 'recreate' || fleet.isWaiting) return
    if (!this.#past.isSettled(fleet.key, truth.nowMs)) return
    const other = fleet.instances.find(
      ({ order, process, behaviour }) =>
        !process?.exit && !behaviour.cannotRun && !isOf(subject, fleet.key, order.version),
    )
    if (other)
      throw new ViolationError('one version at a time', `${subject} is made while ${other.order.name} is there`)
  }
}
