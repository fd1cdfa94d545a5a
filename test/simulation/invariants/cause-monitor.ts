/** A rollout of a version that can run is only taken back for a cause: instances that ended, or time that was lost. */
import { isDeepStrictEqual } from 'node:util'
import { scopeName } from '../../../src/model/stack.ts'
import type { ServiceRelease } from '../../../src/model/release.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import { becomesHealthy } from '../catalogue.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import { ViolationError, type Disturbance, type Monitor } from './invariant.ts'

/** So many instances that end early are a cause. */
const causeCount = 3

interface Decided {
  readonly service: ServiceRelease
  readonly sinceMs: number
}

export class CauseMonitor implements Monitor {
  /** By scope name, then by service. */
  readonly #decided = new Map<string, ReadonlyMap<string, Decided>>()
  /** When instances were struck, and how many may have been. */
  readonly #strokes: { readonly atMs: number; readonly count: number }[] = []

  onDisturbance({ kind }: Disturbance, { nowMs }: WorldTruth): void {
    if (kind === 'controller') return
    const count = kind === 'all' ? causeCount : kind === 'instance' ? 1 : 0
    this.#strokes.push({ atMs: nowMs, count })
  }

  onDecision({ release, decision }: ReleaseRecord, { nowMs }: WorldTruth): void {
    const scope = scopeName(release)
    const before = this.#decided.get(scope) ?? new Map<string, Decided>()
    const after = Object.entries(release.services).map(([name, service]): [string, Decided] => {
      const known = before.get(name)
      return [name, known && isDeepStrictEqual(known.service, service) ? known : { service, sinceMs: nowMs }]
    })
    this.#decided.set(scope, new Map(after))
    if (decision !== 'abort') return
    for (const [name, each] of before)
      if (this.#decided.get(scope)?.get(name) !== each) this.#judge(`${scope}/${name}`, name, each, nowMs)
  }

  #judge(fleet: string, name: string, { service, sinceMs }: Decided, nowMs: number): void {
    if (!becomesHealthy(name, service.imageName)) return
    const strokes = this.#strokes.filter(({ atMs }) => atMs >= sinceMs)
    const struck = strokes.reduce((sum, { count }) => sum + count, 0)
    const isOverdue = nowMs - sinceMs >= service.rollout.deadlineMs
    if (struck >= causeCount || (strokes.length > 0 && isOverdue)) return
    throw new ViolationError('aborted for a cause', `${fleet} can run ${service.imageName}, and it is taken back`)
  }
}
