/** Where commands meet the loop: each takes its turn in its environment, and is followed to its end. */
import type { Sense } from '../model/touch.ts'
import { asRepaveError, RepaveError } from '../errors.ts'
import type { ProgressReport, ResultReport, ServiceStatus } from '../model/report.ts'
import type { NewRefusal } from '../model/refusal.ts'
import type { Release } from '../model/release.ts'
import { type FleetKey, fleetName, type Scope, scopeName } from '../model/stack.ts'
import type { ReleaseRecord, RolloutRecord } from '../store/store.ts'
import { Serial } from '../system/serial.ts'
import { admitRelease, refuseShared } from './admission.ts'
import type { NewDecision, Recalled, Replace } from './decisions.ts'
import { Feed } from './follow.ts'
import type { Fleet } from '../plan/fleet.ts'
import { Loop } from './loop.ts'
import { waitsFor } from './memory.ts'
import type { Seams } from './seams.ts'
import { type Errand, type Turn, Turns } from './turns.ts'
import { resultServices, serviceStatus, servingCounts, type StatusFacts } from './status.ts'
import type { ScopeView } from './views.ts'

/** How long engine or router may be out of sight before a command stops waiting for them. */
const patienceMs = 15_000

export class Desk {
  readonly seams: Seams
  readonly loop: Loop
  readonly #feeds = new Set<Feed>()
  readonly #turns = new Turns()
  /** One decision at a time. */
  readonly #decisions = new Serial()

  /** `onPass`: something may have happened. */
  constructor(seams: Seams, onPass: () => void) {
    this.seams = seams
    this.loop = new Loop(seams, {
      onPass: () => {
        this.#feeds.forEach((feed) => feed.onPass())
        onPass()
      },
      onEffect: (order, error) => this.#feeds.forEach((feed) => feed.onEffect(order, error)),
    })
  }

  isBusy(): boolean {
    return !this.#turns.areAllOver()
  }

  /** Runs `work` unless another command is in its way; its errors become its last report. */
  async *inTurn(
    scope: Scope,
    errand: Errand,
    work: (turn: Turn) => AsyncIterable<ProgressReport>,
  ): AsyncIterable<ProgressReport> {
    let turn: Turn | undefined
    try {
      turn = this.#turns.begin(scope, errand)
      yield* work(turn)
    } catch (error) {
      yield { kind: 'error', error: asRepaveError(error).report() }
    } finally {
      if (turn) this.#turns.end(scope, turn)
    }
  }

  /**
   * Tells what happens in `scope` until `isDone`, or until nothing can be seen for too long. Opened before the
   * decision is taken, so that no step is missed.
   */
  async *follow(scope: Scope, begin: () => Promise<void>, isDone: () => boolean): AsyncIterable<ProgressReport> {
    const feed = new Feed(scope)
    this.#feeds.add(feed)
    try {
      await begin()
      while (!isDone() && this.loop.blindMs() < patienceMs) {
        yield* await feed.next()
        yield { kind: 'fleet', services: this.#services(scope) }
      }
    } finally {
      this.#feeds.delete(feed)
    }
  }

  /** The last report of a command whose environment has come to rest, or can't be seen. */
  async result(
    scope: Scope,
    changed: boolean,
    failure?: RepaveError,
    logs?: readonly string[],
  ): Promise<ProgressReport> {
    const error = failure ?? this.#whyUnsettled(scope)
    const result: ResultReport = {
      ok: error === undefined,
      services: resultServices(this.loop.view(scope)),
      changed,
      ...(error && { code: error.code, message: error.message, hint: error.hint }),
      ...(error?.about && { about: error.about }),
      ...(logs && logs.length > 0 && { logs }),
    }
    return { kind: 'result', result }
  }

  #whyUnsettled(scope: Scope): RepaveError | undefined {
    if (this.loop.isSettled(scope)) return undefined
    const fleets = this.loop.view(scope)?.fleets ?? []
    return this.loop.problems()[0] ?? unsettled(scope, fleets, this.loop.remaining(scope))
  }

  /** Refuses, before anything is changed, a release with names or routes that it can't have. */
  async admit(release: Release): Promise<void> {
    await admitRelease(release, this.#releases(), this.seams.router)
  }

  /** Another environment may have been decided for since the release was admitted: its names and routes are held against it. */
  take(decision: NewDecision): Promise<ReleaseRecord> {
    return this.#decisions.run(async () => {
      refuseShared(decision.release, this.#releases())
      return this.loop.decisions.take(decision)
    })
  }

  /** What `replace` puts in the place of what is recalled is held against the other environments, too. */
  recall(refusal: NewRefusal, replace: Replace): Promise<Recalled> {
    return this.#decisions.run(() => this.loop.decisions.recall(refusal, replace))
  }

  #releases(): readonly Release[] {
    return this.loop.decisions.current().map((record) => record.release)
  }

  /** The newest rollout of a fleet, running or not. */
  async newestRollout(key: FleetKey): Promise<RolloutRecord | undefined> {
    return (await this.seams.store.rollouts(key, 1))[0]
  }

  /** The view of an environment that something is known of. */
  known(scope: Scope): ScopeView {
    const view = this.loop.view(scope)
    if (view) return view
    const known = this.loop.views.map((each) => scopeName(each.scope)).join(', ')
    throw new RepaveError('STACK_UNKNOWN', `nothing was ever brought up as ${scopeName(scope)}`, {
      hint: known ? `known are: ${known}` : 'bring it up with `repave up`',
    })
  }

  /** Throws ENVIRONMENT_UNKNOWN for an environment that no stack was ever brought up in; of a stack, any may come. */
  assertKnown({ stack, environment }: Partial<Scope>): void {
    if (stack !== undefined || environment === undefined) return
    const scopes = this.loop.decisions.current().map(({ release }) => release)
    if (scopes.some((scope) => scope.environment === environment)) return
    throw new RepaveError('ENVIRONMENT_UNKNOWN', `nothing was ever brought up in an environment ${environment}`, {
      hint: scopes.length > 0 ? `known are: ${scopes.map(scopeName).join(', ')}` : 'bring it up with `repave up`',
    })
  }

  /** Throws what keeps the controller from seeing what there is. */
  assertSeeing(): void {
    const { blindness } = this.loop
    if (blindness) throw blindness
  }

  /** What is known of any fleet beside its view. */
  about(): Omit<StatusFacts, 'nowMs' | 'problems' | 'rollouts' | 'senses'> {
    const { loop } = this
    const { taints, ages } = loop
    const { decisions, rollouts } = loop
    return {
      exposureMs: (fleet) => ages.exposureMs(fleet),
      overdue: (fleet) => ages.overdue(fleet),
      escalation: (key) => taints.escalation(key),
      heldUntilMs: (key) => loop.remembered.heldUntilMs(key) && taints.heldUntilMs(key),
      suspicion: taints.suspicion,
      cleanMs: taints.reactions.cleanMs,
      crashLoop: (key) => loop.crashLoop(key),
      service: (key) => decisions.service(key),
      warm: (key) => decisions.warm(key),
      refusal: (key) => {
        const service = decisions.service(key)
        return service && decisions.refusals.of(key, service)
      },
      waitsFor: (key) => (rollouts.of(key) ? waitsFor(key, decisions, rollouts) : []),
    }
  }

  /** Which touches can be seen now; none where the engine can't be asked. */
  senses(): Promise<readonly Sense[]> {
    return this.seams.engine.senses().catch(() => [])
  }

  unknownService(scope: Scope, service: string): RepaveError {
    const services = Object.keys(this.loop.decisions.of(scope)?.release.services ?? {})
    return new RepaveError('SERVICE_UNKNOWN', `${scopeName(scope)} has no service ${service}`, {
      hint:
        services.length > 0
          ? `its services are: ${services.join(', ')}`
          : 'it runs no services; bring it up with `repave up`',
    })
  }

  #services(scope: Scope): readonly ServiceStatus[] {
    const { loop, seams } = this
    const fleets = loop.view(scope)?.fleets ?? []
    const running = fleets.flatMap(({ key }) => loop.rollouts.of(key) ?? [])
    const rollouts = new Map(running.map((rollout) => [fleetName(rollout), rollout]))
    const facts = { nowMs: seams.clock.now(), problems: [], senses: [], rollouts, ...this.about() }
    return fleets.map((fleet) => serviceStatus(fleet, facts))
  }
}

function unsettled(scope: Scope, fleets: readonly Fleet[], remaining: readonly string[]): RepaveError {
  const words = [...fleets.map(fleetWords), ...remaining]
  if (words.length === 0) words.push('nobody has looked at it since')
  return new RepaveError('NOT_SETTLED', `${scopeName(scope)} has not come to rest: ${words.join(', ')}`, {
    hint: 'the controller goes on; `repave status` shows how far it is, and why it is not further',
  })
}

function fleetWords(fleet: Fleet): string {
  const { key, target, instances } = fleet
  return `${key.service} has ${servingCounts(fleet).ready} of ${target.replicas} ready and ${instances.length} in all`
}
