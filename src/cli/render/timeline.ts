/** A timeline for people: a picture of each service's rollout, what happens when, and what that takes for given. Pure. */
import { durationWords } from '../../model/duration.ts'
import type { RolloutStrategy, ServiceTimeline, TimelineAssumption, TimelineReport } from '../../model/report.ts'
import { eventLines } from './timeline-events.ts'
import { pictureRows } from './timeline-picture.ts'
import { digits, type Style, wrap } from './text.ts'

const strategyWords: Readonly<Record<RolloutStrategy, string>> = {
  rolling: 'rolling',
  recreate: 'recreate',
  blueGreen: 'blue/green',
  canary: 'canary',
}

const legend = '▁ to █ share of the requests   ░ ready without any   · starting   ╌ leaving'

/** Anything narrower is no picture. */
const fewestColumns = 50

/** At most `columns` wide. Nothing where nothing happens. */
export function renderTimeline(report: TimelineReport, columns: number, style: Style): readonly string[] {
  const { services, isCut } = report
  if (services.length === 0) return []
  return [
    ...services.flatMap((service) => ['', ...renderService(service, Math.max(fewestColumns, columns), style)]),
    '',
    style.dim(legend),
    ...(isCut ? ['What comes after that takes too many steps to be simulated.'] : []),
  ]
}

function renderService(timeline: ServiceTimeline, columns: number, style: Style): readonly string[] {
  const room = columns - 4
  return [
    `  ${style.bold(timeline.service)}  ${headline(timeline, style)}`,
    ...pictureRows(timeline, room, style).map((line) => `    ${line}`),
    '',
    ...eventLines(timeline, room, style).map((line) => `    ${line}`),
    '',
    ...wrap(`based on: ${timeline.assumptions.map(assumptionWords).join('; ')}`, room).map(
      (line) => `    ${style.dim(line)}`,
    ),
  ]
}

function headline({ strategy, from, to, durationMs, outcome }: ServiceTimeline, style: Style): string {
  const time = durationWords(durationMs)
  const end = outcome === 'aborted' ? style.red(`would be taken back after ${time}`) : `about ${time}`
  const words = [strategy && strategyWords[strategy], pathWords(from, to), end]
  return words.filter((word) => word !== undefined).join('  ')
}

function pathWords(from: string | null, to: string | null): string {
  if (to === null) return `${digits(from ?? '')} (removed)`
  if (from === null) return `${digits(to)} (new)`
  return from === to ? `${digits(to)} (same version)` : `${digits(from)} → ${digits(to)}`
}

function assumptionWords({ what, ms, basis }: TimelineAssumption): string {
  return ms === undefined ? basis : `${what} ${durationWords(ms)} (${basis})`
}
