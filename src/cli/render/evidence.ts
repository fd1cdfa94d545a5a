/** What is kept of touched instances, for people. Pure. */
import type { EvidenceReport } from '../../model/report.ts'
import { age, agoMs, counted, printable, type Style, table } from './text.ts'

export function renderEvidenceList(reports: readonly EvidenceReport[], nowMs: number, style: Style): readonly string[] {
  if (reports.length === 0) return ['no evidence: no instance was touched, or the oldest have gone']
  const head = ['DIGEST', 'INSTANCE', 'VERSION', 'WHEN', 'SIZE', 'TOUCH'].map((title) => style.dim(title))
  return table([head, ...reports.map((report) => row(report, nowMs))])
}

function row({ digest, instance, version, at, bytes, touches }: EvidenceReport, nowMs: number): readonly string[] {
  const when = `${age(agoMs(at, nowMs) / 1000)} ago`
  const more = touches.length > 1 ? ` and ${touches.length - 1} more` : ''
  return [shortDigest(digest), printable(instance), version, when, size(bytes), `${touchWords(touches[0])}${more}`]
}

interface Shown extends EvidenceReport {
  readonly recipient: string
  readonly parts: readonly { readonly name: string; readonly bytes: number; readonly isSecret: boolean }[]
  /** Null where they are missing. */
  readonly processes:
    | readonly { readonly pid: number | string; readonly name?: string; readonly executable?: string | null }[]
    | null
  readonly sockets:
    | readonly { readonly protocol: string; readonly local: string; readonly remote: string; readonly state: string }[]
    | null
  readonly changes: readonly { readonly path: string; readonly change: string }[] | null
}

const shownRows = 40

export function renderEvidence(shown: Shown, style: Style): readonly string[] {
  const { digest, instance, version, at, bytes, touches, parts, missing, recipient } = shown
  const secret = parts.filter(({ isSecret }) => isSecret)
  return [
    `${style.bold(printable(instance))}  ${version}  ${at}`,
    `  ${digest}, ${size(bytes)}`,
    ...section('touches', touches.map(touchLine), style),
    ...section('processes', shown.processes && table(shown.processes.map(processRow)), style),
    ...section('sockets', shown.sockets && table(shown.sockets.map(socketRow)), style),
    ...section('files that are not as in the image', shown.changes && table(shown.changes.map(fileRow)), style),
    ...section(
      'missing',
      missing.map(({ name, reason }) => printable(`${name}: ${reason}`)),
      style,
    ),
    `${counted(secret.length, 'secret part')}, for ${recipient}`,
    style.dim(`  \`repave evidence export ${shortDigest(digest)} -o FILE --key IDENTITY\` writes them in the clear`),
  ]
}

function section(title: string, lines: readonly string[] | null, style: Style): readonly string[] {
  if (lines === null) return [`${style.bold(title)}: not known`]
  if (lines.length === 0) return title === 'missing' ? [] : [`${style.bold(title)}: none`]
  const rest = lines.length - shownRows
  const more = rest > 0 ? [`  and ${rest} more; --json shows all`] : []
  return [style.bold(title), ...lines.slice(0, shownRows).map((line) => `  ${line}`), ...more]
}

function touchLine(touch: EvidenceReport['touches'][number]): string {
  return `${new Date(touch.atMs).toISOString()}  ${touchWords(touch)}  (${touch.layer})`
}

function touchWords(touch: EvidenceReport['touches'][number] | undefined): string {
  if (touch === undefined) return ''
  const by =
    touch.by && !touch.detail.includes(`by pid ${touch.by.pid}`)
      ? `, by pid ${touch.by.pid}${touch.by.executable ? ` (${touch.by.executable})` : ''}`
      : ''
  return printable(`${touch.kind}: ${touch.detail}${by}`)
}

function processRow({ pid, name = '', executable }: NonNullable<Shown['processes']>[number]): readonly string[] {
  return [String(pid), printable(name), printable(executable ?? '')]
}

function socketRow({ protocol, local, remote, state }: NonNullable<Shown['sockets']>[number]): readonly string[] {
  return [protocol, local, remote, state].map(printable)
}

function fileRow({ path, change }: NonNullable<Shown['changes']>[number]): readonly string[] {
  return [printable(change), printable(path)]
}

/** Enough to be unique. */
function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
