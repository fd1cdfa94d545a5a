/** The picture of one rollout: how many instances serve, and which share each version has, over time. Pure. */
import { durationWords } from '../../model/duration.ts'
import type { ServiceTimeline, TimelinePoint, VersionShare } from '../../model/report.ts'
import { digits, type Style } from './text.ts'

const levels = '▁▂▃▄▅▆▇█'
const labelCells = 10
/** How things stand now, and how they do in the end: enough for the time of that. */
const firstCells = 5
const lastCells = 10

/** Rows for the time, the capacity and each version, at most `columns` wide. */
export function pictureRows(timeline: ServiceTimeline, columns: number, style: Style): readonly string[] {
  const { points, to, replicas } = timeline
  const cells = cellsOf(phasesOf(points), columns - labelCells)
  const label = (text: string) => text.padEnd(labelCells)
  const times = labelled(cells, (point) => (point === points[0] ? 'now' : durationWords(point.atMs)), ' ')
  const ready = labelled(cells, (point) => String(point.ready), '─')
  const isShort = points.some((point) => point.ready < replicas)
  return [
    style.dim(`${label('time')}${times}`.trimEnd()),
    label('ready') + (isShort ? style.yellow(ready) : ready),
    ...versionsOf(timeline).map((version) => {
      const color = version === to ? style.green : style.yellow
      return label(digits(version)) + versionRow(cells, version, color, style)
    }),
  ]
}

/** The new one last. */
function versionsOf({ points, to }: ServiceTimeline): readonly string[] {
  const versions = new Set(points.flatMap((point) => point.versions.map(({ version }) => version)))
  return [...versions].toSorted((a, b) => Number(a === to) - Number(b === to))
}

/** What can be seen to change, and where a rollout ends. */
function phasesOf(points: readonly TimelinePoint[]): readonly TimelinePoint[] {
  return points.filter((point, index) => {
    const isEnd = point.events.some(({ kind }) => kind === 'succeeded' || kind === 'aborted')
    return isEnd || index === 0 || look(point) !== look(points[index - 1]!)
  })
}

function look({ ready, versions }: TimelinePoint): string {
  return [ready, ...versions.map((figures) => `${figures.version}${glyphOf(figures)}`)].join(' ')
}

/** The phase that each cell shows. Long ones take more cells than short ones, and not as many more as they are longer. */
function cellsOf(phases: readonly TimelinePoint[], count: number): readonly TimelinePoint[] {
  const [now, ...rest] = phases
  let total = 0
  const sums = rest.slice(1).map(({ atMs }, index) => (total += weightOf(atMs - rest[index]!.atMs)))
  return Array.from({ length: count }, (_, cell) => {
    const at = ((cell - firstCells + 0.5) / (count - firstCells - lastCells)) * total
    return (cell < firstCells ? now : rest[sums.findIndex((sum) => sum >= at)]) ?? phases.at(-1)!
  })
}

function weightOf(ms: number): number {
  return 1 + Math.log2(1 + ms / 1_000)
}

/** Each label where its point begins, as far as there is room: the last one has its place. */
function labelled(cells: readonly TimelinePoint[], labelOf: (point: TimelinePoint) => string, filler: string): string {
  const labels = cells.map(labelOf)
  const end = labels.indexOf(labels.at(-1) ?? '')
  let row = ''
  labels.forEach((label, cell) => {
    const isNews = label !== labels[cell - 1]
    const isRoom = row.length + (cell > 0 ? 1 : 0) <= cell && (cell >= end || cell + label.length < end)
    if (isNews && isRoom && cell + label.length <= cells.length) row = row.padEnd(cell, filler) + label
  })
  return row.padEnd(cells.length, filler)
}

function versionRow(
  cells: readonly TimelinePoint[],
  version: string,
  color: (text: string) => string,
  style: Style,
): string {
  const glyphs = cells.map(({ versions }) => glyphOf(versions.find((each) => each.version === version)))
  const runs =
    glyphs
      .join('')
      .trimEnd()
      .match(new RegExp(`[${levels}]+|[^${levels}]+`, 'g')) ?? []
  return runs.map((run) => (levels.includes(run[0] ?? ' ') ? color(run) : style.dim(run))).join('')
}

/** A full block is all of the requests, and nothing less. */
function glyphOf(figures: VersionShare | undefined): string {
  if (!figures) return ' '
  const { share, warm, starting } = figures
  if (share > 0) return levels[share > 0.999 ? 7 : Math.min(6, Math.floor(share * 8))] ?? ' '
  if (warm > 0) return '░'
  return starting > 0 ? '·' : '╌'
}
