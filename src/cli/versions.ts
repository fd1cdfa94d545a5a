/** `repave versions [SERVICE]`: every version that ever ran. */
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { renderVersions } from './render/history.ts'
import type { Session } from './session.ts'
import { sessionScope } from './stack.ts'

/** With `--json`, an object a line for each service. */
export async function versions({ terminal, ...session }: Session, service: string | undefined): Promise<number> {
  const scope = await sessionScope({ terminal, ...session })
  const client = await connect({ terminal, ...session })
  const reports = await client.versions(scope, service)
  if (session.json) for (const report of reports) terminal.printJson(report)
  else terminal.print(renderVersions(reports, Date.now(), terminal.style))
  return exitDone
}
