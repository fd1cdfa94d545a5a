/**
 * Nothing is made but what is wanted: no version that was taken back, none that is refused, and none of a service that
 * waits for another one.
 */
import { own } from '../../../src/model/own.ts'
import type { Decided } from '../decided.ts'
import type { FleetTruth, WorldTruth } from '../fleet-truth.ts'
import { fleetOf, isOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

export class WantMonitor implements Monitor {
  readonly #past: Past
  readonly #decided: Decided

  constructor(past: Past, decided: Decided) {
    this.#past = past
    this.#decided = decided
  }

  onCall({ on, verb, subject }: Call, truth: WorldTruth): void {
    if (on !== 'engine' || verb !== 'create') return
    const fleet = fleetOf(subject, truth.fleets)
    if (!fleet || !this.#past.isSettled(fleet.key, truth.nowMs)) return
    const { key, wanted, rollout, isWaiting } = fleet
    const isNew = isOf(subject, key, rollout?.service.version) && rollout?.from?.version !== rollout?.service.version
    if (isWaiting && isNew)
      throw new ViolationError('dependencies first', `${subject} is made before what it depends on is rolled out`)
    const isRehearsed = wanted?.rehearsal !== undefined
    if (!isRehearsed && ![wanted?.version, rollout?.from?.version].some((version) => isOf(subject, key, version)))
      throw new ViolationError('aborts are final', `${subject} is made, and its version is not wanted`)
    if (this.#isRefused(subject, fleet))
      throw new ViolationError('refused never runs', `${subject} is made, and its version is refused`)
  }

  #isRefused(instance: string, { key }: FleetTruth): boolean {
    const released = this.#decided
      .history(key)
      .map(({ release }) => own(release.services, key.service))
      .findLast((each) => isOf(instance, key, each?.version))
    return released !== undefined && this.#decided.isRefused(key, released)
  }
}
