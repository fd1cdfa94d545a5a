/** `rollout pause`, `resume`, `promote` and `abort`: what people do to rollouts that run. */
import { RepaveError } from '../errors.ts'
import type { Entry } from '../model/entry.ts'
import type { ProgressReport } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { SteerVerb } from '../model/steering.ts'
import { versionName } from '../model/version.ts'
import type { RolloutChange, RolloutRecord } from '../store/store.ts'
import type { SteerRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { entryOf } from './records.ts'
import { resultServices } from './status.ts'
import { awaitRest } from './take-up.ts'
import { Turn } from './turns.ts'

export async function* steer(desk: Desk, request: SteerRequest): AsyncIterable<ProgressReport> {
  const scope: Scope = { stack: request.stack, environment: request.environment }
  const rollouts = runningOf(desk, request)
  if (request.verb === 'abort') return yield* abort(desk, rollouts, request)
  const unchanged = rollouts.filter((rollout) => !isNews(request.verb, rollout))
  let changed = 0
  for (const rollout of rollouts) if (!unchanged.includes(rollout) && (await change(desk, rollout, request))) changed++
  if (changed + unchanged.length === 0) throw noRollout(request.service ?? scopeName(scope))
  const services = resultServices(desk.loop.view(scope))
  yield { kind: 'result', result: { ok: true, services, changed: changed > 0 } }
}

/** Those of the environment, or of one service. Throws NO_ROLLOUT where none runs. */
function runningOf(desk: Desk, { service, ...scope }: SteerRequest): readonly RolloutRecord[] {
  const { record, fleets } = desk.known(scope)
  if (service !== undefined && !record.release.services[service]) throw desk.unknownService(scope, service)
  const keys = fleets.map(({ key }) => key).filter((key) => service === undefined || key.service === service)
  const running = keys.flatMap((key) => desk.loop.rollouts.of(key) ?? [])
  if (running.length > 0) return running
  throw noRollout(service ?? scopeName(scope))
}

function noRollout(where: string): RepaveError {
  return new RepaveError('NO_ROLLOUT', `no rollout runs in ${where}`, {
    hint: 'see `repave status`; `repave rollback` goes back from a rollout that has ended',
  })
}

function isNews(verb: SteerVerb, { pausedAtMs, isPromoted }: RolloutRecord): boolean {
  if (verb === 'promote') return isPromoted !== true || pausedAtMs !== undefined
  return (verb === 'pause') === (pausedAtMs === undefined)
}

/** False where it has ended. */
async function change(desk: Desk, rollout: RolloutRecord, { verb, by }: SteerRequest): Promise<boolean> {
  const atMs = desk.seams.clock.now()
  return desk.loop.decisions.change(rollout, changeFor(verb, atMs), decisionEntry(rollout, verb, by, atMs))
}

function changeFor(verb: SteerVerb, atMs: number): Omit<RolloutChange, 'id'> {
  if (verb === 'pause') return { pausedAtMs: atMs }
  return verb === 'promote' ? { pausedAtMs: null, isPromoted: true } : { pausedAtMs: null }
}

function decisionEntry(rollout: RolloutRecord, verb: SteerVerb, by: string, atMs: number): Entry {
  const message = `the rollout to ${versionName(rollout.service, rollout.to)}`
  return entryOf({ ...rollout, version: rollout.to }, { atMs, kind: `decision.${verb}`, by, message })
}

/** An abort is final: nothing tries the version again until somebody asks for it. */
async function* abort(
  desk: Desk,
  rollouts: readonly RolloutRecord[],
  { by, service, ...scope }: SteerRequest,
): AsyncIterable<ProgressReport> {
  let count = 0
  for (const rollout of rollouts) if (await desk.loop.decisions.abort(rollout, by)) count++
  if (count === 0) throw noRollout(service ?? scopeName(scope))
  for await (const report of awaitRest(desk, scope, new Turn({ command: 'rollout abort' })))
    yield report.kind === 'result' ? { ...report, result: { ...report.result, changed: true } } : report
}
