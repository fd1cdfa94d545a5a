/** `repave rollout pause|resume|promote|abort [SERVICE]`: steers a rollout that runs. */
import type { SteerVerb } from '../model/steering.ts'
import { connect } from './connect.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'
import { watchWork } from './work.ts'

export async function rollout(session: Session, verb: SteerVerb, service: string | undefined): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const reports = client.steer({ by: caller(), ...scope, verb, ...(service !== undefined && { service }) })
  return watchWork(session, client, { command: `rollout ${verb}`, scope, reports })
}
