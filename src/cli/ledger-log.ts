/** `repave ledger log`: the entries, as a table and as JSON lines. */
import { RepaveError } from '../errors.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import { renderEntry } from './render/ledger.ts'
import type { Session } from './session.ts'
import { scopeIfAny } from './stack.ts'

export interface LedgerLogOptions {
  readonly service?: string
  readonly version?: string
  readonly instance?: string
  readonly by?: string
  readonly since?: string
  readonly until?: string
  readonly tail?: number
}

/** Of the stack file's environment; of everything where there is no stack file. */
export async function ledgerLog(session: Session, options: LedgerLogOptions): Promise<number> {
  const { terminal, json } = session
  const { since, until, tail, ...subject } = options
  const filter = {
    ...(await scopeIfAny(session)),
    ...subject,
    ...(since !== undefined && { sinceMs: timeMs('since', since) }),
    ...(until !== undefined && { untilMs: timeMs('until', until) }),
    ...(tail !== undefined && { last: tail }),
  }
  const client = await connect(session)
  for await (const entry of client.events(filter, false, untilInterrupted())) {
    if (json) terminal.printJson(entry)
    else terminal.print(renderEntry(entry, terminal.style))
  }
  return exitDone
}

const agoUnits: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `2026-11-24`, `2026-11-24T08:00:00Z`, or `90s`, `15m`, `2h`, `7d` ago. */
function timeMs(option: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const ms = count && unit ? Date.now() - Number(count) * (agoUnits[unit] ?? 0) : Date.parse(text)
  if (Number.isFinite(ms) && ms >= 0) return Math.floor(ms)
  throw new RepaveError('USAGE', `--${option} can't be ${JSON.stringify(text)}`, {
    hint: 'give a time such as 2026-11-24T08:00:00Z, or how long ago: 90s, 15m, 2h, 7d',
  })
}
