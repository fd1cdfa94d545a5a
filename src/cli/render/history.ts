/** Versions, drift, events and log lines for people. Pure. */
import type { LogLine } from '../../engine/engine.ts'
import type { DriftFinding, DriftReport, RefusalReport, VersionsReport } from '../../model/report.ts'
import type { RecordedEntry } from '../../store/store.ts'
import { age, agoMs, counted, printable, type Style, table } from './text.ts'

type VersionReport = VersionsReport['versions'][number]

export function renderVersions(reports: readonly VersionsReport[], nowMs: number, style: Style): readonly string[] {
  if (reports.length === 0) return ['no version has run yet']
  const head = ['VERSION', 'STATE', 'WAY BACK', 'FIRST RUN', 'LAST RUN', 'IMAGE'].map((title) => style.dim(title))
  const versions = reports.flatMap((report) => report.versions)
  const rows = versions.map(({ version, state, wayBack, firstRunAt, lastRunAt, image }) => [
    version,
    versionState(state, style),
    wayBack === undefined ? '-' : wayBackWord(wayBack, style),
    ago(firstRunAt, nowMs),
    ago(lastRunAt, nowMs),
    image,
  ])
  return [
    ...table([head, ...rows]),
    ...versions.flatMap(({ version, refusal }) => refusalLine(version, refusal)),
    ...versions.flatMap(({ version, rehearsal }) => rehearsalLine(version, rehearsal, nowMs)),
  ]
}

function refusalLine(version: string, refusal: RefusalReport | undefined): readonly string[] {
  if (!refusal) return []
  const { id, by, at, reason } = refusal
  return [`${version} must not run: ${printable(by)} refused it at ${at} (refusal ${id}): ${printable(reason)}`]
}

/** A rehearsal that went well is no news. */
function rehearsalLine(version: string, rehearsal: VersionReport['rehearsal'], nowMs: number): readonly string[] {
  if (!rehearsal || rehearsal.passed) return []
  return [
    `${version} would not come back: its rehearsal failed ${ago(rehearsal.at, nowMs)}: ${printable(rehearsal.message)}`,
  ]
}

function wayBackWord(wayBack: NonNullable<VersionReport['wayBack']>, style: Style): string {
  if (wayBack === 'gone') return style.red(wayBack)
  return wayBack === 'warm' ? style.green(wayBack) : wayBack
}

function versionState(state: VersionReport['state'], style: Style): string {
  switch (state) {
    case 'current':
      return style.green(state)
    case 'failed':
    case 'refused':
      return style.red(state)
    case 'proven':
    case 'unproven':
      return state
  }
}

function ago(time: string, nowMs: number): string {
  return `${age(agoMs(time, nowMs) / 1000)} ago`
}

export function renderDrift(report: DriftReport, style: Style): readonly string[] {
  const { stack, environment, findings, accepted = [], unused = [], unseen = [] } = report
  const name = style.bold(`${stack}/${environment}`)
  return [
    findings.length === 0
      ? `${name}: everything${unseen.length > 0 ? ' that was looked at' : ''} is as declared`
      : `${name}: ${style.red(counted(findings.length, 'finding'))}`,
    ...findings.flatMap((each) => driftLines(each, style)),
    ...accepted.map(({ finding: { id }, exception: { reason, until } }) => {
      return style.dim(`  accepted until ${until}: ${printable(id)}: ${printable(reason)}`)
    }),
    ...unused.map(({ what, until }) => `  nothing needs the exception ${printable(what)} (until ${until}) now`),
    ...unseen.map(({ what, why }) => `  not looked at: ${what}: ${printable(why)}`),
  ]
}

function driftLines({ id, message, expected, actual, remedy }: DriftFinding, style: Style): readonly string[] {
  return [
    `  ${printable(id)}  ${printable(message)}`,
    `    expected: ${printable(expected)}`,
    `    actual:   ${printable(actual)}`,
    style.dim(`    → ${printable(remedy)}`),
  ]
}

/** `2026-11-23 07:50:07Z  shop/default  create.done  shop-default-web-4f9a1c2b-1  message`, and what was printed. */
export function renderEvent(event: RecordedEntry, style: Style): readonly string[] {
  const { atMs, stack, environment, service, instance, kind, message, by, lines = [] } = event
  const time = new Date(atMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
  const scope = stack && `${stack}/${environment}`
  const who = by === 'repave' ? undefined : `(by ${printable(by)})`
  const words = [style.dim(time), scope, eventKind(kind, style), instance ?? service, printable(message), who]
  const head = words.filter((word) => word !== undefined && word !== '').join('  ')
  return [head, ...lines.map((line) => `  ${style.dim('|')} ${printable(line)}`)]
}

function eventKind(kind: string, style: Style): string {
  if (kind.endsWith('.failed') || kind.endsWith('.aborted')) return style.red(kind)
  return kind.startsWith('decision.') ? style.bold(kind) : kind
}

/** An application's own colours are kept where there are colours; nothing else may steer the terminal. */
export function renderLogLine({ instance, text }: LogLine, style: Style): string {
  return `${style.cyan(instance)} ${style.dim('|')} ${style.isColorSupported ? keepColors(text) : printable(text)}`
}

function keepColors(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const parts = text.split(/(\u001b\[[\d;]*m)/)
  const isColored = parts.length > 1
  return (
    parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('') + (isColored ? '\u001b[0m' : '')
  )
}
