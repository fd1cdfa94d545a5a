/** `repave recall [WHAT]`: refuses it, and replaces what runs of it. */
import { connect } from './connect.ts'
import { refusedName } from './refused-name.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export interface RecallOptions {
  readonly label?: string
  readonly reason: string
}

export async function recall(
  session: Session,
  what: string | undefined,
  { label, reason }: RecallOptions,
): Promise<number> {
  const named = refusedName(what, label)
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.recall({ by: caller(), ...scope, what: named, reason })
  return watchWork(session, client, { command: 'recall', scope, reports })
}
