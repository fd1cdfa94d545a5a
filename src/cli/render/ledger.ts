/** The ledger for people: entries, verifications, copies. Pure. */
import type { LedgerReport } from '../../ledger/report.ts'
import { shortVersion } from '../../model/version.ts'
import type { RecordedEntry } from '../../store/store.ts'
import { renderEvent } from './history.ts'
import { counted, printable, type Style } from './text.ts'

/** As an event, after its number: `  1234  2026-11-24 08:00:00Z  shop/default  create.done  …  [web@4f9a1c2b, of 1233]` */
export function renderEntry(entry: RecordedEntry, style: Style): readonly string[] {
  const [head = '', ...lines] = renderEvent(entry, style)
  const { sequence, service, version, operation, release } = entry
  const more = [
    version && (service ? `${service}@${shortVersion(version)}` : shortVersion(version)),
    operation !== undefined && `of ${operation}`,
    release && `release ${release.slice(0, 8)}`,
  ].filter(Boolean)
  const notes = more.length > 0 ? `  ${style.dim(`[${more.join(', ')}]`)}` : ''
  return [`${style.dim(String(sequence).padStart(6))}  ${head}${notes}`, ...lines.map((line) => `        ${line}`)]
}

interface CheckedEntry extends Pick<LedgerReport, 'origin' | 'size' | 'cosignatures'> {
  readonly index: number
  readonly entry: unknown
}

export function renderReceipt(
  { origin, size, index, entry, cosignatures }: CheckedEntry,
  style: Style,
): readonly string[] {
  return [
    `${style.green('verified')}: entry ${index} of the ${size} of ${origin}`,
    `  ${printable(JSON.stringify(entry))}`,
    ...cosignatures.map(renderCosignature),
  ]
}

function renderCosignature({ name, atSeconds }: LedgerReport['cosignatures'][number]): string {
  return `  cosigned by ${name} at ${new Date(atSeconds * 1000).toISOString()}`
}

const shownProblems = 20

export function renderVerification(report: LedgerReport, style: Style): readonly string[] {
  const { ok, origin, size, entries, prunedBefore, cosignatures, problems } = report
  const pruned = prunedBefore > 0 ? `, those before ${prunedBefore} were pruned on the record` : ''
  const head = ok
    ? `${style.green('verified')}: ${origin}, ${counted(size, 'entry').replace('entrys', 'entries')}, ${entries} read${pruned}`
    : `${style.red('not as it was signed')}: ${origin}, ${counted(problems.length, 'problem')}`
  const found = problems.slice(0, shownProblems).map(({ index, kind, message }) => {
    const place = index === undefined ? kind : `entry ${index}`
    return `  ${place}: ${printable(message)}`
  })
  const rest =
    problems.length > shownProblems ? [`  and ${problems.length - shownProblems} more; --json shows all`] : []
  return [head, ...found, ...rest, ...cosignatures.map(renderCosignature)]
}
