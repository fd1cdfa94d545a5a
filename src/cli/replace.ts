/** `repave replace INSTANCE`: a clean one in its place. */
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export async function replace(session: Session, instance: string): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.replace({ by: caller(), ...scope, instance })
  return watchWork(session, client, { command: 'replace', scope, reports })
}
