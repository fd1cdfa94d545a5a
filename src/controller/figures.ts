/** What the router tells of the requests of fleets that are rolled out, taken in a second at a time. */
import { type FleetKey, fleetName } from '../model/stack.ts'
import type { VersionId } from '../model/version.ts'
import { type Fleet, groupOf, isReady } from '../plan/fleet.ts'
import { Evidence } from '../rollout/evidence.ts'
import type { Showing } from '../rollout/stratum.ts'
import { Tally } from '../rollout/tally.ts'
import type { VerdictPolicy } from '../model/stack.ts'
import { type Answered, type Figures as RouterFigures, poolName } from '../router/router.ts'
import type { Seams } from './seams.ts'

const tickMs = 1_000

/** What one version showed since the last tick. */
interface Sample {
  answers: Tally
  restarts: number
}

interface Watched {
  readonly rollout: number
  readonly to: VersionId
  readonly evidence: Evidence
  /** Which version each instance is of, by its name; also those that are gone. */
  readonly versions: Map<string, VersionId>
  /** Those that serve, by name; one that ends by itself after that is a restart. */
  readonly served: Set<string>
  stage: number | undefined
  fleet: Fleet
  new: Sample
  old: Sample
  tickedAtMs: number
}

/** What is to be watched of a running rollout. */
export interface Watch {
  readonly fleet: Fleet
  readonly rollout: number
  readonly to: VersionId
  /** The stage that is held now; undefined before. */
  readonly stage: number | undefined
  /** The least number of answers of the new version in this stage. */
  readonly requests: number
  readonly policy: VerdictPolicy | undefined
}

export class Figures {
  readonly #seams: Pick<Seams, 'router' | 'clock' | 'log'>
  readonly #watched = new Map<string, Watched>()
  #measuring: AbortController | undefined

  constructor(seams: Pick<Seams, 'router' | 'clock' | 'log'>) {
    this.#seams = seams
  }

  /** Watches exactly these from now on, and takes in what was seen of them. */
  follow(watches: readonly Watch[]): void {
    const names = new Set(watches.map(({ fleet }) => fleetName(fleet.key)))
    for (const name of this.#watched.keys()) if (!names.has(name)) this.#watched.delete(name)
    for (const watch of watches) this.#take(watch)
    if (watches.length > 0) this.#measure()
    else this.stop()
  }

  /** Undefined where the fleet is not watched. */
  evidence(key: FleetKey): Evidence | undefined {
    return this.#watched.get(fleetName(key))?.evidence
  }

  /** When the next second is over. */
  nextTimeMs(): number | undefined {
    const times = [...this.#watched.values()].map(({ tickedAtMs }) => tickedAtMs + tickMs)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  stop(): void {
    this.#measuring?.abort()
    this.#measuring = undefined
  }

  #measure(): void {
    if (this.#measuring) return
    const measuring = new AbortController()
    this.#measuring = measuring
    void this.#seams.router
      .measure((figures) => this.#hear(figures), measuring.signal)
      .catch((error: unknown) => this.#seams.log(`the router's figures are missing: ${String(error)}`))
      .finally(() => {
        if (this.#measuring === measuring) this.#measuring = undefined
      })
  }

  #hear(figures: RouterFigures): void {
    if (figures.kind === 'lost') for (const { evidence } of this.#watched.values()) evidence.lose()
    else for (const answer of figures.answers) this.#count(answer)
  }

  #count(answer: Answered): void {
    for (const watched of this.#watched.values()) {
      if (poolName(watched.fleet.key) !== answer.pool) continue
      const version = versionOf(answer, watched)
      if (version !== undefined)
        (version === watched.to ? watched.new : watched.old).answers.count(answer.status, answer.timeMs)
    }
  }

  #take(watch: Watch): void {
    const name = fleetName(watch.fleet.key)
    const known = this.#watched.get(name)
    const watched = known?.rollout === watch.rollout ? known : begin(watch, this.#seams.clock.steady())
    this.#watched.set(name, watched)
    if (watch.stage !== watched.stage) {
      watched.stage = watch.stage
      watched.evidence.demand(watch.requests)
    }
    watched.fleet = watch.fleet
    note(watched)
    const nowMs = this.#seams.clock.steady()
    if (nowMs - watched.tickedAtMs >= tickMs) tick(watched, nowMs)
  }
}

function begin({ fleet, rollout, to, requests, policy }: Watch, nowMs: number): Watched {
  const { errors = false, latency } = policy ?? {}
  return {
    rollout,
    to,
    evidence: new Evidence({ requests, errors, ...(latency && { latency }) }),
    versions: new Map(),
    served: new Set(),
    stage: undefined,
    fleet,
    new: nothing(),
    old: nothing(),
    tickedAtMs: nowMs,
  }
}

function nothing(): Sample {
  return { answers: new Tally(), restarts: 0 }
}

/** Takes in who serves, and who has ended by itself. */
function note(watched: Watched): void {
  const { instances, target } = watched.fleet
  for (const instance of instances) {
    watched.versions.set(instance.name, instance.version)
    if (isReady(instance, target)) watched.served.add(instance.name)
    else if (instance.phase === 'exited' && !instance.ending && watched.served.delete(instance.name))
      (instance.version === watched.to ? watched.new : watched.old).restarts += 1
  }
}

function tick(watched: Watched, nowMs: number): void {
  const { fleet, to, evidence } = watched
  const serving = fleet.instances.filter((instance) => isReady(instance, fleet.target))
  const fresh = serving.filter(({ version }) => version === to).length
  evidence.take({
    share: shareOf(fleet, to, serving.length === 0 ? 0 : fresh / serving.length),
    new: showing(watched.new, fresh),
    old: showing(watched.old, serving.length - fresh),
  })
  watched.new = nothing()
  watched.old = nothing()
  watched.tickedAtMs = nowMs
}

function showing({ answers, restarts }: Sample, instances: number): Showing {
  return { answers, restarts, instances }
}

/** By the split where the versions are in lanes of their own, else by the instances. */
function shareOf({ target, split }: Fleet, to: VersionId, byInstances: number): number {
  if (!target.share.isExclusive) return byInstances
  return (groupOf(target, to)?.lane === 'b' ? split : 1_000 - split) / 1_000
}

/** Of a request that no instance answered, the version whose lane it was for. */
function versionOf({ instance, lane }: Answered, { versions, fleet }: Watched): VersionId | undefined {
  if (instance !== null) return versions.get(instance)
  const { target } = fleet
  return target.share.isExclusive ? target.groups.find((group) => group.lane === lane)?.version : undefined
}
