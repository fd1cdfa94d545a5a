/** A version whose answers mostly fail does not pass where enough of them are asked for. */
import { fleetName } from '../../../src/model/stack.ts'
import { isErring } from '../catalogue.ts'
import type { Rollout } from '../decided.ts'
import { ViolationError, type Monitor } from './invariant.ts'

/** So many answers tell that one is worse than a good one before it, or fails outright. */
const telling = 20

export class VerdictMonitor implements Monitor {
  onRolloutChange(_before: Rollout, { record, from, service }: Rollout): void {
    const { verdict } = service.rollout
    if (record.state !== 'succeeded' || record.isPromoted || record.isSwitch || service.replicas === 0) return
    if (!verdict?.errors || verdict.requests < telling || !from || from.version === service.version) return
    if (isErring(service.imageName) && !isErring(from.imageName))
      throw new ViolationError('judged by its answers', `${fleetName(record)} fails its requests, and passes`)
  }
}
