/** What `up`, `rollback`, `recall` and `down` share: take a decision, follow it to its end, give the verdict. */
import { asRepaveError, RepaveError } from '../errors.ts'
import type { ProgressReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import type { ReleaseRecord, RolloutRecord } from '../store/store.ts'
import type { NewDecision } from './decisions.ts'
import type { Desk } from './desk.ts'
import { Standing } from './standing.ts'
import type { Turn } from './turns.ts'
import { own } from '../model/own.ts'

/** How long after the last verdict a fleet may take to come to rest, beside its drain times. */
const restMs = 30_000

export async function* takeUp(desk: Desk, decision: NewDecision, turn: Turn): AsyncIterable<ProgressReport> {
  const scope: Scope = { stack: decision.release.stack, environment: decision.release.environment }
  yield* followDecision(desk, scope, turn, () => desk.take(decision))
}

/** Follows an environment that needs no decision until it is whole. */
export async function* awaitRest(desk: Desk, scope: Scope, turn: Turn): AsyncIterable<ProgressReport> {
  yield* followDecision(desk, scope, turn)
}

/** Follows what `take` decides, or where that is nothing, what was decided before, to its end. */
export async function* followDecision(
  desk: Desk,
  scope: Scope,
  turn: Turn,
  take?: () => Promise<ReleaseRecord | undefined>,
): AsyncIterable<ProgressReport> {
  const rest = new Rest(desk, scope)
  const standing = new Standing(desk, scope, turn)
  let record = desk.loop.decisions.of(scope)
  const begin = async () => {
    if (take) record = (await take()) ?? record
    standing.begin(desk.loop.decisions.asked(scope))
    desk.loop.wake()
  }
  yield* desk.follow(scope, begin, () => standing.isSuperseded() || rest.isOver())
  const { error, logs } = await failureOf(record, desk)
  yield await desk.result(scope, take !== undefined, standing.error() ?? error, logs)
}

/** Over when all is settled, or when it doesn't come to rest although no rollout runs any more. */
class Rest {
  readonly #desk: Desk
  readonly #scope: Scope
  #calmSinceMs: number | undefined
  /** Of all fleets since the command began: one that has drained is gone, and what it held is still cleared away. */
  #drainMs = 0

  constructor(desk: Desk, scope: Scope) {
    this.#desk = desk
    this.#scope = scope
  }

  isOver(): boolean {
    const { loop, seams } = this.#desk
    if (loop.isSettled(this.#scope)) return true
    const fleets = loop.view(this.#scope)?.fleets ?? []
    const isRunning = fleets.some(({ key }) => loop.rollouts.of(key))
    const nowMs = seams.clock.steady()
    this.#calmSinceMs = isRunning ? undefined : (this.#calmSinceMs ?? nowMs)
    this.#drainMs = Math.max(this.#drainMs, ...fleets.map(({ target }) => target.drainMs))
    return this.#calmSinceMs !== undefined && nowMs - this.#calmSinceMs > restMs + 2 * this.#drainMs
  }
}

interface Failure {
  readonly error?: RepaveError
  readonly logs?: readonly string[]
}

/** Why what was decided did not come about. Where that can't be read, the decision stands all the same. */
async function failureOf(record: ReleaseRecord | undefined, desk: Desk): Promise<Failure> {
  try {
    const aborted = record && (await abortedOf(record, desk))
    return aborted ? { error: abortError(aborted, desk), ...(aborted.logs && { logs: aborted.logs }) } : {}
  } catch (error) {
    return { error: asRepaveError(error) }
  }
}

/** Of the rollouts that the decision began, one that was aborted. */
async function abortedOf({ sequence, release }: ReleaseRecord, desk: Desk): Promise<RolloutRecord | undefined> {
  const { stack, environment } = release
  const services = Object.keys(release.services)
  const newest = await Promise.all(services.map((service) => desk.newestRollout({ stack, environment, service })))
  return newest.find((rollout) => rollout?.state === 'aborted' && rollout.sequence === sequence)
}

function abortError({ stack, environment, service, from, to, reason }: RolloutRecord, desk: Desk): RepaveError {
  const kept = own(desk.loop.decisions.of({ stack, environment })?.release.services, service)
  const outcome = kept ? `the fleet is whole on ${versionName(service, kept.version)}` : 'nothing of it is left running'
  const subject = from === to ? `the change of ${service}` : versionName(service, to)
  const isRefused = desk.loop.decisions.isRefused({ stack, environment, service }, to)
  const remedy = isRefused ? 'bring up another version: this one is refused from now on' : 'run `repave up` again'
  return new RepaveError('ROLLOUT_ABORTED', `${subject} was taken back: ${reason}`, {
    hint: `${outcome}; mend the cause and ${remedy}`,
    about: ['services', service],
  })
}
