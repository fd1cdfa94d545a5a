/** `repave logs SERVICE`: what its instances print. */
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import { renderLogLine } from './render/history.ts'
import type { Session } from './session.ts'
import { sessionScope } from './stack.ts'

export interface LogsOptions {
  readonly tail?: number
  readonly follow?: boolean
}

export async function logs(session: Session, service: string, { tail, follow = false }: LogsOptions): Promise<number> {
  const { terminal, json } = session
  const scope = await sessionScope(session)
  const client = await connect(session)
  const request = { ...scope, service, follow, ...(tail !== undefined && { tail }) }
  for await (const line of client.logs(request, untilInterrupted())) {
    if (json) terminal.printJson(line)
    else terminal.print([renderLogLine(line, terminal.style)])
  }
  return exitDone
}
