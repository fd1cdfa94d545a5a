/** `repave recall [WHAT]`: refuses it, and replaces what runs of it. */
import { connect } from './connect.ts'
import { type NamingOptions, refusedName } from './refused-name.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export interface RecallOptions extends NamingOptions {
  readonly reason: string
}

export async function recall(session: Session, what: string | undefined, options: RecallOptions): Promise<number> {
  const { reason } = options
  const named = refusedName(what, options)
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.recall({ by: caller(), ...scope, what: named, reason })
  return watchWork(session, client, { command: 'recall', scope, reports })
}
