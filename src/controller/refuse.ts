/** `refuse`: what must not run any more, and what may again. */
import { RepaveError } from '../errors.ts'
import { refusalOf } from '../guard/refusals.ts'
import type { NewRefusal, Refusal } from '../model/refusal.ts'
import type { LiftReport, RefusalsReport, RefuseReport } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import type { LiftRequest, RefuseRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { refusalReport } from './refusal-reports.ts'
import { refusedContent } from './refused-content.ts'
import { isSameContent } from './refusals.ts'

export async function refuse(desk: Desk, request: RefuseRequest): Promise<RefuseReport> {
  const { refusal, isNew, unjudged } = await desk.loop.decisions.refuse(await newRefusal(desk, request))
  const report = { changed: isNew, refusal: refusalReport(refusal), runs: runningOf(desk, refusal) }
  return { ok: true, ...report, ...(unjudged.length > 0 && { unjudged }) }
}

/** Throws REFUSAL_UNKNOWN. */
export async function lift(desk: Desk, { id, reason, by, ...scope }: LiftRequest): Promise<LiftReport> {
  const { decisions } = desk.loop
  const known = decisions.refusals.all(scope).find((each) => each.id === id)
  if (!known) throw unknownRefusal(id, scope, decisions.refusals.all(scope))
  const refusal = known.lifted ? known : await decisions.lift(known, by, reason)
  const others = decisions.refusals.all(scope).filter((each) => !each.lifted && isSameContent(each, known))
  return { ok: true, changed: !known.lifted, refusal: refusalReport(refusal), others: others.map((each) => each.id) }
}

export function listRefusals(desk: Desk, { stack, environment }: Scope): RefusalsReport {
  desk.assertKnown({ environment })
  const refusals = desk.loop.decisions.refusals.all({ stack, environment })
  return { stack, environment, refusals: refusals.map(refusalReport) }
}

/** Throws VERSION_UNKNOWN or VERSION_AMBIGUOUS. */
export async function newRefusal(
  desk: Desk,
  { stack, environment, what, reason, by }: RefuseRequest,
): Promise<NewRefusal> {
  const scope: Scope = { stack, environment }
  const content = await refusedContent(what, desk.seams, scope)
  return { ...scope, ...content, reason, by, atMs: desk.seams.clock.now() }
}

/** The current versions that a refusal is about. */
function runningOf(desk: Desk, refusal: Refusal): readonly string[] {
  const { stack, environment } = refusal
  const services = desk.loop.decisions.of(refusal)?.release.services ?? {}
  return Object.entries(services)
    .filter(([service, released]) => refusalOf({ stack, environment, service }, released, [refusal]))
    .map(([service, { version }]) => versionName(service, version))
}

function unknownRefusal(id: number, scope: Scope, refusals: readonly Refusal[]): RepaveError {
  const known = refusals.filter(({ lifted }) => !lifted).map((each) => each.id)
  return new RepaveError('REFUSAL_UNKNOWN', `${scopeName(scope)} has no refusal ${id}`, {
    hint: known.length > 0 ? `those that count are: ${known.join(', ')}; see \`repave refuse\`` : 'nothing is refused',
  })
}
