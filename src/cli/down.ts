/** `repave down`: removes the stack's instances and routes; history stays. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export async function down(session: Session): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  return watchWork(session, client, { command: 'down', scope, reports: client.down({ by: caller(), ...scope }) })
}
