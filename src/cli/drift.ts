/** `repave drift`: read-only; what is not as declared. */
import { connect } from './connect.ts'
import { exitOfDifferences } from './exit.ts'
import { renderDrift } from './render/history.ts'
import type { Session } from './session.ts'
import { sessionScope } from './stack.ts'

export interface DriftOptions {
  readonly exitCode?: boolean
}

export async function drift(session: Session, { exitCode = false }: DriftOptions): Promise<number> {
  const { terminal, json } = session
  const scope = await sessionScope(session)
  const client = await connect(session)
  const report = await client.drift(scope)
  if (json) terminal.printJson(report)
  else terminal.print(renderDrift(report, terminal.style))
  return exitOfDifferences(report.findings.length, exitCode)
}
