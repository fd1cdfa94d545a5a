/** `repave down [--data]`: removes the stack's instances and routes; history stays, and data unless told otherwise. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export async function down(session: Session, { data }: { readonly data?: boolean }): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.down({ by: caller(), ...scope, ...(data && { data }) })
  return watchWork(session, client, { command: 'down', scope, reports })
}
