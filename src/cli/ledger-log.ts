/** `repave ledger log`: the entries, as a table and as JSON lines. */
import { RepaveError } from '../errors.ts'
import { parseCheckpoint } from '../ledger/checkpoint.ts'
import { isFault } from '../ledger/fault.ts'
import { type ReadEntry, readEntries } from '../ledger/read-entries.ts'
import { isMatch } from '../store/entry-filter.ts'
import type { EntryFilter, RecordedEntry } from '../store/store.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import { chosenLedger } from './ledger.ts'
import { checkpointText, unusable } from './ledger-checkpoint.ts'
import { renderEntry } from './render/ledger.ts'
import type { Session } from './session.ts'
import { scopeIfAny } from './stack.ts'

export interface LedgerLogOptions {
  /** That of a copy. */
  readonly folder?: string
  readonly service?: string
  readonly version?: string
  readonly instance?: string
  readonly by?: string
  readonly since?: string
  readonly until?: string
  readonly tail?: number
}

/** Of the stack file's environment; of everything where there is no stack file, and for a copy in a folder. */
export async function ledgerLog(session: Session, options: LedgerLogOptions): Promise<number> {
  const { terminal, json } = session
  const { folder, since, until, tail, version, ...subject } = options
  const filter = {
    ...(folder === undefined && (await scopeIfAny(session))),
    ...subject,
    ...(version !== undefined && namedVersion(version)),
    ...(since !== undefined && { sinceMs: timeMs('since', since) }),
    ...(until !== undefined && { untilMs: timeMs('until', until) }),
    ...(tail !== undefined && { last: tail }),
  }
  for await (const entry of folder === undefined ? recorded(session, filter) : copied(folder, filter)) {
    if (json) terminal.printJson(entry)
    else terminal.print(renderEntry(entry, terminal.style))
  }
  return exitDone
}

async function* recorded(session: Session, filter: EntryFilter): AsyncIterable<RecordedEntry> {
  yield* (await connect(session)).events(filter, false, untilInterrupted())
}

/** Needs no controller. Lines that instances printed are not in the files. */
async function* copied(folder: string, { last, ...filter }: EntryFilter): AsyncIterable<RecordedEntry> {
  const ledger = chosenLedger(folder)
  const checkpoint = parseCheckpoint(await checkpointText(ledger))
  if (isFault(checkpoint)) throw unusable(checkpoint.fault)
  let matching: RecordedEntry[] = []
  for await (const { sequence, value } of readEntries(ledger.files, checkpoint.size)) {
    const entry = toRecorded(sequence, value)
    if (entry && isMatch(entry, filter)) matching.push(entry)
    if (last === undefined) yield* matching.splice(0)
    else if (matching.length > 2 * last) matching = matching.slice(-last)
  }
  if (last !== undefined) yield* matching.slice(Math.max(0, matching.length - last))
}

function toRecorded(sequence: number, value: ReadEntry['value']): RecordedEntry | undefined {
  const { atMs, kind, by, message } = value
  if (typeof atMs !== 'number' || typeof kind !== 'string' || typeof by !== 'string' || typeof message !== 'string')
    return undefined
  return { ...value, sequence, atMs, kind, by, message }
}

/** `web@4f9a1c2b` names the service too. */
function namedVersion(text: string): Pick<EntryFilter, 'service' | 'version'> {
  const [service = '', digits] = text.split('@', 2)
  return digits === undefined ? { version: text } : { service, version: digits }
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
