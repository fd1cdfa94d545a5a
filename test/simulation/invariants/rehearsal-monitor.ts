/** An old version that is tried gets no requests, and what is said of it is true. */
import { versionName } from '../../../src/model/version.ts'
import { own } from '../../../src/model/own.ts'
import { becomesHealthy } from '../catalogue.ts'
import type { Decided } from '../decided.ts'
import type { FleetTruth, WorldTruth } from '../fleet-truth.ts'
import { fleetOf, isOf } from '../instance-name.ts'
import type { Call } from '../seams.ts'
import { ViolationError, type Monitor } from './invariant.ts'
import type { Past } from './past.ts'

/** What went wrong so long ago may still speak against an old version. */
const shadowMs = 40_000

export class RehearsalMonitor implements Monitor {
  readonly #past: Past
  readonly #decided: Decided

  constructor(past: Past, decided: Decided) {
    this.#past = past
    this.#decided = decided
  }

  onCall(call: Call, truth: WorldTruth): void {
    if (this.#past.calmMs(truth.nowMs) < shadowMs) return
    const { on, verb, subject, entry } = call
    if (entry?.kind === 'rehearsal.failed') this.#judgeWords(entry)
    const fleet = on === 'router' && verb === 'add' ? fleetOf(subject, truth.fleets) : undefined
    if (fleet && isAside(subject, fleet))
      throw new ViolationError('rehearsed aside', `${subject} is only tried, and is to get requests`)
  }

  #judgeWords({ stack = '', environment = '', service = '', version = '' }: NonNullable<Call['entry']>): void {
    const released = this.#decided
      .history({ stack, environment })
      .map(({ release }) => own(release.services, service))
      .findLast((each) => each?.version === version)
    if (released && becomesHealthy(service, released.imageName))
      throw new ViolationError('rehearsed aside', `${versionName(service, version)} can run, and is said not to`)
  }
}

function isAside(subject: string, { key, wanted, rollout, replaced }: FleetTruth): boolean {
  return !rollout && !isOf(subject, key, wanted?.version) && !isOf(subject, key, replaced)
}
