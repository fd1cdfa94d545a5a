/** `repave acknowledge [SERVICE]`: somebody has looked at what was touched. */
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { renderAcknowledged } from './render/acknowledged.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'

export async function acknowledge(
  session: Session,
  service: string | undefined,
  { reason }: { readonly reason: string },
): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const report = await client.acknowledge({ by: caller(), ...scope, reason, ...(service !== undefined && { service }) })
  if (session.json) session.terminal.printJson(report)
  else session.terminal.print(renderAcknowledged(report))
  return exitDone
}
