/** `repave refuse [WHAT]`: keeps it from running; alone, lists what is refused; with `--lift`, lets it run again. */
import { RepaveError } from '../errors.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { namesAny, type NamingOptions, refusedName } from './refused-name.ts'
import { renderLifted, renderRefusals, renderRefused } from './render/refusals.ts'
import type { Session } from './session.ts'
import { caller, sessionScope } from './stack.ts'

export interface RefuseOptions extends NamingOptions {
  readonly reason?: string
  /** The number of a refusal. */
  readonly lift?: number
  readonly list?: boolean
}

export async function refuse(session: Session, what: string | undefined, options: RefuseOptions): Promise<number> {
  const { reason, lift, list = false } = options
  const isNamed = namesAny(what, options)
  if ([isNamed, lift !== undefined, list].filter(Boolean).length > 1)
    throw new RepaveError('USAGE', 'to refuse, to lift and to list are three commands', { hint: 'run one at a time' })
  if (lift !== undefined) return liftRefusal(session, lift, reason)
  return isNamed ? add(session, what, options) : show(session)
}

async function add(session: Session, what: string | undefined, options: RefuseOptions): Promise<number> {
  const { reason = 'no reason was given' } = options
  const named = refusedName(what, options)
  const scope = await sessionScope(session)
  const client = await connect(session)
  const report = await client.refuse({ by: caller(), ...scope, what: named, reason })
  if (session.json) session.terminal.printJson(report)
  else session.terminal.print(renderRefused(report, session.terminal.style))
  return exitDone
}

async function liftRefusal(session: Session, id: number, reason: string | undefined): Promise<number> {
  if (reason === undefined)
    throw new RepaveError('USAGE', `refusal ${id} is not lifted without a reason`, {
      hint: `say why: \`repave refuse --lift ${id} --reason …\`; it is on the record`,
    })
  const scope = await sessionScope(session)
  const client = await connect(session)
  const report = await client.lift({ by: caller(), ...scope, id, reason })
  if (session.json) session.terminal.printJson(report)
  else session.terminal.print(renderLifted(report, session.terminal.style))
  return exitDone
}

async function show(session: Session): Promise<number> {
  const scope = await sessionScope(session)
  const client = await connect(session)
  const report = await client.refusals(scope)
  if (session.json) session.terminal.printJson(report)
  else session.terminal.print(renderRefusals(report, Date.now(), session.terminal.style))
  return exitDone
}
