/** `repave evidence list`: what is kept of touched instances. */
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { renderEvidenceList } from './render/evidence.ts'
import type { Session } from './session.ts'
import { scopeIfAny } from './stack.ts'

/** With `--json`, an object a line for each bundle. */
export async function evidenceList(session: Session): Promise<number> {
  const { terminal, json } = session
  const reports = await (await connect(session)).evidence(await scopeIfAny(session))
  if (json) for (const report of reports) terminal.printJson(report)
  else terminal.print(renderEvidenceList(reports, Date.now(), terminal.style))
  return exitDone
}
