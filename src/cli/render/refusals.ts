/** What is refused, by whom and why, for people. Pure. */
import type { LiftReport, RefusalReport, RefusalsReport, RefuseReport, UnjudgedImage } from '../../model/report.ts'
import { age, agoMs, counted, printable, type Style, table } from './text.ts'

export function renderRefusals(
  { stack, environment, refusals }: RefusalsReport,
  nowMs: number,
  style: Style,
): readonly string[] {
  if (refusals.length === 0) return [`${style.bold(`${stack}/${environment}`)}: nothing is refused`]
  const head = ['ID', 'WHAT', 'STATE', 'BY', 'WHEN', 'REASON'].map((title) => style.dim(title))
  return table([head, ...refusals.map((refusal) => row(refusal, nowMs, style))])
}

function row(refusal: RefusalReport, nowMs: number, style: Style): readonly string[] {
  const { id, reason, by, at, lifted } = refusal
  const words = lifted ? `${reason} (lifted by ${lifted.by}: ${lifted.reason})` : reason
  const when = `${age(agoMs(at, nowMs) / 1000)} ago`
  return [`${id}`, printable(contentWords(refusal)), state(refusal, style), printable(by), when, printable(words)]
}

function state({ isRecall, lifted }: RefusalReport, style: Style): string {
  if (lifted) return 'lifted'
  return style.red(isRecall ? 'recalled' : 'refused')
}

/** `web@4f9a1c2b`, `image sha256:…`, `label team=shop`. */
function contentWords({ kind, what }: RefusalReport): string {
  return kind === 'version' ? what : `${kind} ${what}`
}

export function renderRefused(report: RefuseReport, style: Style): readonly string[] {
  return [...refusedLines(report, style), ...unjudgedLines(report.unjudged)]
}

/** What can't be judged is not kept from running by the refusal. */
export function unjudgedLines(unjudged: readonly UnjudgedImage[] = []): readonly string[] {
  if (unjudged.length === 0) return []
  return [
    `  ${counted(unjudged.length, 'image')} can't be judged, and may run on:`,
    ...unjudged.map(({ image, versions, why }) => {
      return `    ${image.slice(0, 'sha256:'.length + 12)} (${versions.join(', ')}): ${printable(why)}`
    }),
  ]
}

function refusedLines({ changed, refusal, runs }: RefuseReport, style: Style): readonly string[] {
  const { id, by, reason } = refusal
  const name = printable(contentWords(refusal))
  const headline = changed
    ? `${style.green('refused')}: ${name} (refusal ${id})`
    : `${style.green('nothing to do')}: ${name} is refused already (refusal ${id}, by ${printable(by)}: ${printable(reason)})`
  if (runs.length === 0) return [headline]
  return [
    headline,
    `  ${runs.join(', ')} ${runs.length > 1 ? 'run' : 'runs'}, and no further instance is made`,
    style.dim('  `repave recall` replaces what runs, `repave up` brings up another version'),
  ]
}

export function renderLifted({ changed, refusal, others }: LiftReport, style: Style): readonly string[] {
  const name = printable(contentWords(refusal))
  const headline = changed
    ? `${style.green('lifted')}: ${name} may run again (refusal ${refusal.id})`
    : `${style.green('nothing to do')}: refusal ${refusal.id} of ${name} was lifted already`
  return others.length === 0 ? [headline] : [headline, `  still refused by ${others.join(', ')}`]
}
