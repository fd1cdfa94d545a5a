/** `repave drift`: read-only; what is not as declared. */
import { connect } from './connect.ts'
import { exitOfDifferences } from './exit.ts'
import { renderDrift } from './render/history.ts'
import type { Session } from './session.ts'
import { sessionExceptions, sessionScope } from './stack.ts'

export interface DriftOptions {
  readonly exitCode?: boolean
}

export async function drift(session: Session, { exitCode = false }: DriftOptions): Promise<number> {
  const { terminal, json } = session
  const scope = await sessionScope(session)
  const client = await connect(session)
  const exceptions = await sessionExceptions(session)
  const report = await client.drift({ ...scope, ...(exceptions.length > 0 && { exceptions }) })
  if (json) terminal.printJson(report)
  else terminal.print(renderDrift(report, terminal.style))
  return exitOfDifferences(report.findings.length, exitCode)
}
