/** The verdict of a command that changed something. Pure. */
import type { ResultReport } from '../../model/report.ts'
import { unjudgedLines } from './refusals.ts'
import { readyWords } from './status.ts'
import { printable, type Style, table } from './text.ts'

export interface Outcome {
  /** What ran: `up`. */
  readonly command: string
  /** `shop/default` */
  readonly scope: string
  readonly result: ResultReport
  readonly seconds: number
  readonly routes: readonly { readonly url: string; readonly service: string }[]
}

export function renderOutcome(outcome: Outcome, style: Style): readonly string[] {
  return outcome.result.ok ? renderDone(outcome, style) : renderFailure(outcome, style)
}

function renderDone({ command, scope, result, seconds, routes }: Outcome, style: Style): readonly string[] {
  const headline = result.changed
    ? `${style.green('done')} in ${seconds.toFixed(1)} s: ${command} ${scope}`
    : `${style.green('nothing to do')}: ${scope} ${unchangedWords(command)}`
  return [headline, ...serviceRows({ result, routes }, style), ...unjudgedLines(result.unjudged)]
}

function unchangedWords(command: string): string {
  switch (command) {
    case 'rollout pause':
      return 'is paused already'
    case 'rollout resume':
      return 'is not paused'
    case 'rollout promote':
      return 'is promoted already'
    default:
      return 'is as declared'
  }
}

function renderFailure({ command, scope, result, routes }: Outcome, style: Style): readonly string[] {
  const { code, message, hint, logs = [] } = result
  const place = [result.file, result.line, result.column].filter((part) => part !== undefined).join(':')
  return [
    `${style.red(`${command} did not succeed`)}: ${scope}${code === undefined ? '' : ` (${code})`}`,
    ...(place ? [`  ${place}:`] : []),
    ...(message ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`  ${printable(line)}`])),
    ...(logs.length > 0
      ? ['  its last log lines:', ...logs.map((line) => `    ${style.dim('|')} ${printable(line)}`)]
      : []),
    ...(hint === undefined ? [] : [style.dim(`  ${printable(hint)}`)]),
    ...(result.services.length > 0 ? ['what runs now:', ...serviceRows({ result, routes }, style)] : []),
    ...unjudgedLines(result.unjudged),
  ]
}

function serviceRows({ result, routes }: Pick<Outcome, 'result' | 'routes'>, style: Style): readonly string[] {
  const urls = Map.groupBy(routes, ({ service }) => service)
  return table(
    result.services.map(({ service, version, ready, serving }) => [
      service,
      version ?? 'removed',
      version === null ? '' : `${ready} ${readyWords({ ready, serving })}`,
      (urls.get(service) ?? []).map(({ url }) => style.cyan(url)).join(' '),
    ]),
    '  ',
  )
}
