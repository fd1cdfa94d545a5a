/** `repave now [SERVICE]`: clean instances in the place of all, a few at a time. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export async function now(session: Session, service: string | undefined): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.repave({ by: caller(), ...scope, ...(service !== undefined && { service }) })
  return watchWork(session, client, { command: 'now', scope, reports })
}
