/** `repave plan`: what `up` would do and why, without doing it. */
import { asRepaveError } from '../errors.ts'
import { connect } from './connect.ts'
import { exitOfDifferences } from './exit.ts'
import { placeError } from './place.ts'
import { renderExplanation, renderPlan } from './render/plan.ts'
import { renderTimeline } from './render/timeline.ts'
import type { Session } from './session.ts'
import { caller, loadSessionStack } from './stack.ts'

export interface PlanOptions {
  readonly explain?: boolean
  readonly exitCode?: boolean
  readonly timeline?: boolean
  /** Requests a second, for the timeline. */
  readonly rate?: number
}

export async function plan(session: Session, options: PlanOptions): Promise<number> {
  const { terminal, json } = session
  const { stack, file, definition, positionOf } = await loadSessionStack(session)
  const { lockFileOf, readLock } = await import('../image/lock-file.ts')
  const settings = options.explain
    ? (await import('../config/explain.ts')).explainDefaults(definition, stack)
    : undefined
  const lock = await readLock(lockFileOf(file))
  const client = await connect(session)
  const timeline = options.rate === undefined ? options.timeline && {} : { requestsPerSecond: options.rate }
  const request = { by: caller(), stack, lock, ...(timeline && { timeline }) }
  const { plan: report } = await client.plan(request).catch((error: unknown) => {
    throw placeError(asRepaveError(error), positionOf)
  })
  if (json) terminal.printJson({ ...report, ...(settings && { settings }) })
  else {
    if (settings) terminal.print([...renderExplanation(settings, terminal.style), ''])
    terminal.print(renderPlan(report, terminal.style))
    if (report.timeline) terminal.print(renderTimeline(report.timeline, terminal.columns, terminal.style))
  }
  return exitOfDifferences(report.changes, options.exitCode ?? false)
}
