/** Gathers what `/metrics` shows, when it is asked for. */
import type { MetricFamily } from '../model/metric.ts'
import type { Desk } from './desk.ts'
import { RolloutCounter } from './ended-rollouts.ts'
import type { GuardFigures } from './guard-figures.ts'
import { metricFamilies } from './metrics.ts'
import type { NoticeFigures } from './notices.ts'

/** What others count. */
export interface Counted {
  readonly published: () => number
  readonly notices: () => NoticeFigures
}

export class Scrape {
  readonly #desk: Desk
  readonly #counted: Counted
  readonly #rollouts: RolloutCounter
  readonly #startedAtMs: number

  constructor(desk: Desk, counted: Counted) {
    this.#desk = desk
    this.#counted = counted
    this.#rollouts = new RolloutCounter(desk.seams.store)
    this.#startedAtMs = desk.seams.clock.now()
  }

  /** Counts from here on. */
  async start(): Promise<void> {
    await this.#rollouts.start()
  }

  async families(): Promise<readonly MetricFamily[]> {
    const { loop, seams } = this.#desk
    const { refusals } = loop.decisions
    const [ended, recorded, lanes] = await Promise.all([
      this.#rollouts.count(),
      seams.store.size(),
      // Who can't see the router still has everything else to tell.
      seams.router.counts().catch(() => []),
    ])
    return metricFamilies({
      startedAtMs: this.#startedAtMs,
      fleets: loop.views.flatMap(({ fleets }) => fleets),
      rollout: (key) => loop.rollouts.of(key),
      ended,
      exposureMs: (fleet) => loop.ages.exposureMs(fleet),
      refusals: loop.views.map(({ scope }) => {
        return { ...scope, count: refusals.all(scope).filter(({ lifted }) => !lifted).length }
      }),
      sees: this.#sees(),
      lanes,
      ledger: { recorded, published: this.#counted.published() },
      notices: this.#counted.notices(),
      guard: await this.#guard(),
    })
  }

  #sees(): { readonly engine: boolean; readonly router: boolean } {
    const { blindness, sight } = this.#desk.loop
    if (!blindness) return { engine: sight !== undefined, router: sight !== undefined }
    const isOf = (prefix: string) => blindness.code.startsWith(prefix)
    return { engine: !isOf('ENGINE'), router: !isOf('ROUTER') }
  }

  async #guard(): Promise<GuardFigures> {
    const { taints, ages, views } = this.#desk.loop
    const fleets = views.flatMap((view) => view.fleets)
    return {
      taints: taints.reactions.counts(),
      reactions: taints.reactions.histogram.samples(),
      overdue: fleets.map((fleet) => ({ ...fleet.key, count: ages.overdue(fleet).length })),
      escalations: fleets.map(({ key }) => ({ ...key, count: taints.escalation(key) ? 1 : 0 })),
      senses: await this.#desk.senses(),
    }
  }
}
