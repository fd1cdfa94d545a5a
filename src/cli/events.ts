/** `repave events`: what was decided and done, oldest first. */
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import { renderEvent } from './render/history.ts'
import type { Session } from './session.ts'
import { scopeIfAny } from './stack.ts'

/** As many as fit a page, where nothing else is asked for. */
const defaultTail = 50

export interface EventsOptions {
  readonly tail?: number
  readonly follow?: boolean
}

/** Of the stack file's environment; of everything where there is no stack file. */
export async function events(session: Session, { tail = defaultTail, follow = false }: EventsOptions): Promise<number> {
  const { terminal, json } = session
  const scope = await scopeIfAny(session)
  const client = await connect(session)
  for await (const event of client.events({ ...scope, last: tail }, follow, untilInterrupted())) {
    if (json) terminal.printJson(event)
    else terminal.print(renderEvent(event, terminal.style))
  }
  return exitDone
}
