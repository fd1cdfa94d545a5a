/** Work that the controller does: shown while it goes on, ended by its verdict. */
import type { Client } from '../api/client.ts'
import { asRepaveError, fromReport } from '../errors.ts'
import type { ProgressReport, ResultReport } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { SteerVerb } from '../model/steering.ts'
import { exitInterrupted, exitOfResult } from './exit.ts'
import { openLiveView } from './live-view.ts'
import { placeError, placeResult, type PositionOf } from './place.ts'
import { advance, noProgress, progressLine, rolloutLines } from './render/progress.ts'
import { renderOutcome } from './render/result.ts'
import type { Session } from './session.ts'

export interface Work {
  readonly command: 'up' | 'rollback' | 'replace' | 'now' | 'down' | 'recall' | `rollout ${SteerVerb}`
  readonly scope: Scope
  readonly reports: AsyncIterable<ProgressReport>
  /** Writes the lock file. */
  readonly onLock?: (lock: unknown) => Promise<void>
  /** Where the stack file has what an error is about; absent where the command has no stack file. */
  readonly positionOf?: PositionOf
}

/** What is shown of the reports, and what is taken off the screen when they end. */
export interface View extends Disposable {
  show(report: ProgressReport): void
}

/** Returns the exit code. Throws what the controller refused outright. */
export async function watchWork(session: Session, client: Client, work: Work): Promise<number> {
  const startedMs = performance.now()
  const result = await verdict(session, work)
  if (session.json) session.terminal.printJson(result)
  else await printOutcome(session, client, work, result, (performance.now() - startedMs) / 1000)
  return exitOfResult(result)
}

async function verdict(session: Session, work: Work): Promise<ResultReport> {
  const { positionOf } = work
  using view = await openView(session, work)
  const interrupt = onInterrupt(session, work, view)
  try {
    const result = await verdictOf(work, view)
    return positionOf ? placeResult(result, positionOf) : result
  } catch (error) {
    throw positionOf ? placeError(asRepaveError(error), positionOf) : error
  } finally {
    interrupt[Symbol.dispose]()
  }
}

async function verdictOf(work: Work, view: View): Promise<ResultReport> {
  for await (const report of work.reports) {
    if (report.kind === 'result') return report.result
    if (report.kind === 'error') throw fromReport(report.error)
    if (report.kind === 'lock') await work.onLock?.(report.lock)
    else view.show(report)
  }
  throw new Error('the client ends work without a verdict by throwing')
}

async function openView({ json, terminal }: Session, { command, scope }: Work): Promise<View> {
  if (json) return { show: (report) => terminal.printJson(report), [Symbol.dispose]: () => {} }
  if (terminal.isLive) return openLiveView(`${command} ${scopeName(scope)}`, terminal.style)
  let progress = noProgress
  const show = (report: ProgressReport) => {
    const line = progressLine(report)
    if (line !== undefined) terminal.print([line])
    if (report.kind === 'fleet') terminal.print(rolloutLines(progress.services, report.services))
    progress = advance(progress, report)
  }
  return { show, [Symbol.dispose]: () => {} }
}

/** Ctrl-C ends the watching, not the work: half a rollout is nobody's wish. */
function onInterrupt({ json, terminal }: Session, { command }: Work, view: View): Disposable {
  const leave = () => {
    view[Symbol.dispose]()
    if (!json)
      terminal.printError([
        `${command} goes on in the controller.`,
        '  `repave status` shows how far it is, `repave events --follow` what happens.',
        '  `repave up`, `repave rollback` or `repave down` takes its place.',
      ])
    process.exit(exitInterrupted)
  }
  process.once('SIGINT', leave)
  return { [Symbol.dispose]: () => process.off('SIGINT', leave) }
}

async function printOutcome(
  { terminal }: Session,
  client: Client,
  { command, scope }: Work,
  result: ResultReport,
  seconds: number,
): Promise<void> {
  // The verdict stands even if the controller went away after it.
  const [status] = await client.status(scope).catch(() => [])
  const outcome = { command, scope: scopeName(scope), result, seconds, routes: status?.routes ?? [] }
  if (result.ok) terminal.print(renderOutcome(outcome, terminal.style))
  else terminal.printError(renderOutcome(outcome, terminal.errorStyle))
}
