/** `repave rollback [SERVICE] [--to VERSION]`: back to the previous proven version, or to any. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export interface RollbackOptions {
  readonly to?: string
}

export async function rollback(
  session: Session,
  service: string | undefined,
  { to }: RollbackOptions,
): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const request = { by: caller(), ...scope, ...(service !== undefined && { service }), ...(to !== undefined && { to }) }
  return watchWork(session, client, { command: 'rollback', scope, reports: client.rollback(request) })
}
