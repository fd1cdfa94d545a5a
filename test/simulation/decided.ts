/** What was decided, as the store has it, whichever controller lives to hear of it. */
import { refusalOf } from '../../src/guard/refusals.ts'
import { itself } from '../../src/controller/records.ts'
import type { Entry } from '../../src/model/entry.ts'
import type { Refusal } from '../../src/model/refusal.ts'
import type { Release, ServiceRelease } from '../../src/model/release.ts'
import { own } from '../../src/model/own.ts'
import { fleetName, scopeName, type FleetKey, type Scope } from '../../src/model/stack.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { versionName } from '../../src/model/version.ts'
import { packageIn } from './catalogue.ts'
import type { Refusable, RefusalCommand } from './people.ts'
import type {
  ReleaseDecision,
  ReleaseRecord,
  RolloutChange,
  RolloutEnd,
  RolloutRecord,
  Store,
} from '../../src/store/store.ts'

/** A decision, and what it puts an end to. */
export interface Decree extends ReleaseRecord {
  /** What was decided for the environment before. */
  readonly before?: Release
  readonly aborted: readonly Rollout[]
  readonly started: readonly Rollout[]
}

/** A rollout as it is on record, with what it leads from and to. */
export interface Rollout {
  readonly record: RolloutRecord
  /** Absent: the service had none, or none that is known. */
  readonly from?: ServiceRelease
  readonly service: ServiceRelease
}

export interface DecidedListener {
  onDecision(decree: Decree): void
  /** What is on record of a running rollout has changed: `before` is as it was. */
  onRolloutChange(before: Rollout, after: Rollout): void
  /** An instance is on the record as tainted. */
  onTaint(entry: Entry): void
  /** A service is on the record as escalated. */
  onEscalation(scope: Scope): void
  /** All of an environment are to be replaced. */
  onRepave(entry: Entry): void
  /** Something is refused, or may run again. */
  onRefusal(scope: Scope): void
}

export class Decided {
  readonly store: Store
  /** By scope name; the newest decision of each. */
  readonly releases = new Map<string, Release>()
  /** By scope name, newest last. */
  readonly #history = new Map<string, readonly ReleaseRecord[]>()
  readonly #rollouts = new Map<number, Rollout>()
  /** The id of the newest of each fleet. */
  readonly #newest = new Map<string, number>()
  readonly #byPeople = new Map<string, number>()
  readonly #refusals = new Map<number, Refusal>()
  readonly #listener: DecidedListener

  constructor(listener: DecidedListener) {
    this.#listener = listener
    this.store = this.#witnessed(createMemoryStore())
  }

  /** How many decisions that people asked for were recorded so far. */
  countByPeople(scope: Scope): number {
    return this.#byPeople.get(scopeName(scope)) ?? 0
  }

  /** The fleet of a rollout that has no verdict. */
  unjudged(): string | undefined {
    for (const { record } of this.#rollouts.values()) if (record.state === 'running') return fleetName(record)
    return undefined
  }

  /** Whether a rollout of the pool's fleet runs whose requests say whether it is good. */
  isJudged(pool: string): boolean {
    const [stack = '', environment = '', service = ''] = pool.split('.')
    const { record, service: to } = this.newest({ stack, environment, service }) ?? {}
    return record?.state === 'running' && to !== undefined && needsRequests(to)
  }

  get rollouts(): readonly Rollout[] {
    return [...this.#rollouts.values()]
  }

  /** The newest rollout of a fleet, running or not. */
  newest(key: FleetKey): Rollout | undefined {
    const id = this.#newest.get(fleetName(key))
    return id === undefined ? undefined : this.#rollouts.get(id)
  }

  /** Those that were lifted, too. */
  get refusals(): readonly Refusal[] {
    return [...this.#refusals.values()]
  }

  newestRefusal(scope: Scope): Refusal | undefined {
    return this.refusals.findLast((each) => !each.lifted && scopeName(each) === scopeName(scope))
  }

  isRefused(key: FleetKey, released: ServiceRelease): boolean {
    return this.#refusals.size > 0 && refusalOf(key, released, this.refusals) !== undefined
  }

  /** What a command to refuse or to lift is about at this moment. */
  refusable(command: RefusalCommand): Refusable {
    const { scope } = command
    const id = this.newestRefusal(scope)?.id ?? 0
    const named = (name: string): Refusable => ({ what: { kind: 'name', name }, id })
    if (command.kind === 'lift') return named('')
    const released = own(this.releases.get(scopeName(scope))?.services, command.service)
    if (!released) return named('none-there')
    switch (command.what) {
      case 'version':
        return named(versionName(command.service, released.version))
      case 'image':
        return named(released.spec.image)
      case 'package':
        return { what: { kind: 'package', name: packageIn(released.imageName) }, id }
    }
  }

  /** All that were ever decided for a scope, oldest first. */
  history(scope: Scope): readonly ReleaseRecord[] {
    return this.#history.get(scopeName(scope)) ?? []
  }

  #witnessed(store: Store): Store {
    return {
      ...store,
      append: async (entry) => {
        const recorded = await store.append(entry)
        if (entry.kind === 'instance.tainted') this.#listener.onTaint(entry)
        const { stack = '', environment = '' } = entry
        if (entry.kind === 'escalation.began') this.#listener.onEscalation({ stack, environment })
        if (entry.kind === 'decision.repave') this.#listener.onRepave(entry)
        return recorded
      },
      decide: async (decision) => {
        const outcome = await store.decide(decision)
        for (const refusal of outcome.refused) this.#refusals.set(refusal.id, refusal)
        this.#note(outcome.record, decision, outcome.started)
        return outcome
      },
      endRollout: async (end, entry) => {
        await store.endRollout(end, entry)
        this.#end(end)
      },
      changeRollout: async (change, entry) => {
        await store.changeRollout(change, entry)
        this.#change(change.id, (record) => changed(record, change))
      },
      refuse: async (refusal, entry) => {
        const refused = await store.refuse(refusal, entry)
        this.#refusals.set(refused.id, refused)
        this.#listener.onRefusal(refused)
        return refused
      },
      lift: async (id, lifted, entry) => {
        await store.lift(id, lifted, entry)
        const refusal = this.#refusals.get(id)
        if (!refusal) return
        this.#refusals.set(id, { ...refusal, lifted })
        this.#listener.onRefusal(refusal)
      },
      coolRollout: async (id, entry) => {
        await store.coolRollout(id, entry)
        this.#change(id, ({ warmUntilMs: _warm, ...record }) => record)
      },
    }
  }

  #note(record: ReleaseRecord, { ends }: ReleaseDecision, started: readonly RolloutRecord[]): void {
    const scope = scopeName(record.release)
    const aborted = ends.flatMap((end) => this.#end(end) ?? []).filter((each) => each.record.state === 'aborted')
    const before = this.releases.get(scope)
    const begun = started.flatMap((rollout) => this.#begin(rollout, record) ?? [])
    this.#history.set(scope, [...this.history(record.release), record])
    this.releases.set(scope, record.release)
    if (!isOwnDecision(record)) this.#byPeople.set(scope, (this.#byPeople.get(scope) ?? 0) + 1)
    this.#listener.onDecision({ ...record, ...(before && { before }), aborted, started: begun })
  }

  /** Before its decision is part of the history. */
  #begin(record: RolloutRecord, { release }: ReleaseRecord): Rollout | undefined {
    const service = own(release.services, record.service)
    if (!service) return undefined
    const from = this.history(release)
      .map((earlier) => own(earlier.release.services, record.service))
      .findLast((earlier) => earlier?.version === record.from)
    const rollout = { record, service, ...(from && { from }) }
    this.#rollouts.set(record.id, rollout)
    this.#newest.set(fleetName(record), record.id)
    return rollout
  }

  #end(end: RolloutEnd): Rollout | undefined {
    return this.#change(end.id, ({ warmUntilMs: _warm, ...record }) => ({ ...record, ...end }))
  }

  #change(id: number, change: (record: RolloutRecord) => RolloutRecord): Rollout | undefined {
    const before = this.#rollouts.get(id)
    if (!before) return undefined
    const after = { ...before, record: change(before.record) }
    this.#rollouts.set(id, after)
    this.#listener.onRolloutChange(before, after)
    return after
  }
}

/** Whether the controller decided by itself: it took something back, or something was escalated. */
export function isOwnDecision({ decision, by }: Pick<ReleaseRecord, 'decision' | 'by'>): boolean {
  return decision === 'abort' || by === itself
}

/** Whether it takes answers of the new version to tell whether it is good. */
export function needsRequests({ rollout }: ServiceRelease): boolean {
  const steps = rollout.strategy === 'canary' ? rollout.steps : []
  return [rollout.verdict, ...steps].some((each) => each !== undefined && each.requests > 0)
}

function changed({ pausedAtMs: since, ...record }: RolloutRecord, change: RolloutChange): RolloutRecord {
  const { pausedAtMs, ...others } = change
  const paused = pausedAtMs === undefined ? since : (pausedAtMs ?? undefined)
  return { ...record, ...others, ...(paused !== undefined && { pausedAtMs: paused }) }
}
