/** `repave access list`: who entered which instance, when, for how long and why. */
import type { AccessReport } from '../model/report.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { renderAccesses } from './render/access.ts'
import type { Session } from './session.ts'
import { sessionScope } from './stack.ts'

export async function accessList(session: Session): Promise<number> {
  const accesses: readonly AccessReport[] = await (await connect(session)).accesses(await sessionScope(session))
  if (session.json) session.terminal.printJson({ accesses })
  else session.terminal.print(renderAccesses(accesses))
  return exitDone
}
