/** Where commands meet the loop: one at a time for an environment, each followed to its end. */
import { asRepaveError, RepaveError } from '../errors.ts'
import type { ProgressReport, ResultReport } from '../model/report.ts'
import type { Release } from '../model/release.ts'
import { type FleetKey, type Scope, scopeName } from '../model/stack.ts'
import type { ReleaseRecord, RolloutRecord } from '../store/store.ts'
import { Serial } from '../system/serial.ts'
import { admitRelease, refuseShared } from './admission.ts'
import type { NewDecision } from './decisions.ts'
import { Feed } from './follow.ts'
import { type Fleet, isReady } from '../plan/fleet.ts'
import { Loop } from './loop.ts'
import type { Seams } from './seams.ts'
import { resultServices, serviceStatus } from './status.ts'
import type { ScopeView } from './views.ts'

/** How long engine or router may be out of sight before a command stops waiting for them. */
const patienceMs = 15_000

export class Desk {
  readonly seams: Seams
  readonly loop: Loop
  readonly #feeds = new Set<Feed>()
  readonly #busy = new Map<string, string>()
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
    return this.#busy.size > 0
  }

  /** Runs `work` unless another command changes this environment now; its errors become its last report. */
  async *exclusively(
    scope: Scope,
    command: string,
    work: () => AsyncIterable<ProgressReport>,
  ): AsyncIterable<ProgressReport> {
    const name = scopeName(scope)
    const other = this.#busy.get(name)
    if (other !== undefined) return yield { kind: 'error', error: running(name, other).report() }
    this.#busy.set(name, command)
    try {
      yield* work()
    } catch (error) {
      yield { kind: 'error', error: asRepaveError(error).report() }
    } finally {
      this.#busy.delete(name)
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
    return this.loop.problems()[0] ?? unsettled(scope, fleets)
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

  unknownService(scope: Scope, service: string): RepaveError {
    const services = Object.keys(this.loop.decisions.of(scope)?.release.services ?? {})
    return new RepaveError('SERVICE_UNKNOWN', `${scopeName(scope)} has no service ${service}`, {
      hint:
        services.length > 0
          ? `its services are: ${services.join(', ')}`
          : 'it runs no services; bring it up with `repave up`',
    })
  }

  #services(scope: Scope) {
    const { loop, seams } = this
    const rollouts = new Map<string, RolloutRecord>()
    const facts = {
      nowMs: seams.clock.now(),
      problems: [],
      rollouts,
      crashLoop: (key: FleetKey) => loop.crashLoop(key),
    }
    return (loop.view(scope)?.fleets ?? []).map((fleet) => serviceStatus(fleet, facts))
  }
}

function running(scope: string, command: string): RepaveError {
  return new RepaveError('ROLLOUT_RUNNING', `${scope} is being changed by another \`repave ${command}\``, {
    hint: 'wait until it ends; `repave status` and `repave events --follow` show how far it is',
  })
}

function unsettled(scope: Scope, fleets: readonly Fleet[]): RepaveError {
  const words = fleets.map(({ key, target, instances }) => {
    const ready = instances.filter((instance) => isReady(instance, target)).length
    return `${key.service} has ${ready} of ${target.replicas} ready and ${instances.length} in all`
  })
  return new RepaveError('NOT_SETTLED', `${scopeName(scope)} has not come to rest: ${words.join(', ')}`, {
    hint: 'the controller goes on; `repave status` shows how far it is, and why it is not further',
  })
}
