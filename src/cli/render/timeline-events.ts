/** What happens in one rollout, line by line. Pure. */
import { durationWords } from '../../model/duration.ts'
import type { ServiceTimeline, TimelineEvent } from '../../model/report.ts'
import { printable, type Style, wrap } from './text.ts'

/** Up to so many events are listed; of more, those in the middle that only count instances are left out. */
const mostLines = 16
const keptAtStart = 6
const keptAtEnd = 4

interface Line {
  readonly time: string
  readonly event: TimelineEvent
}

export function eventLines({ points }: ServiceTimeline, columns: number, style: Style): readonly string[] {
  const lines = points.flatMap(({ atMs, events }) =>
    events.map((event): Line => ({ time: durationWords(atMs), event })),
  )
  const timeCells = Math.max(...lines.map(({ time }) => time.length))
  let before: string | undefined
  return shortened(lines).flatMap((line) => {
    if (typeof line === 'number') return [`${' '.repeat(timeCells)}  ${style.dim(`… ${line} more like these …`)}`]
    const time = line.time === before ? '' : line.time
    before = line.time
    const [first = '', ...more] = wrap(printable(line.event.message), columns - timeCells - 2)
    const color = colorOf(line.event.kind, style)
    return [
      `${time.padStart(timeCells)}  ${color(first)}`,
      ...more.map((text) => `${' '.repeat(timeCells)}  ${color(text)}`),
    ]
  })
}

/** Numbers stand for so many lines that are left out. */
function shortened(lines: readonly Line[]): readonly (Line | number)[] {
  if (lines.length <= mostLines) return lines
  const shown: (Line | number)[] = []
  lines.forEach((line, index) => {
    const last = shown.at(-1)
    if (index < keptAtStart || index >= lines.length - keptAtEnd || isMilestone(line.event)) shown.push(line)
    else if (typeof last === 'number') shown[shown.length - 1] = last + 1
    else shown.push(1)
  })
  return shown
}

function isMilestone({ kind }: TimelineEvent): boolean {
  return !['started', 'standby', 'ready', 'leaving', 'gone'].includes(kind)
}

function colorOf(kind: TimelineEvent['kind'], style: Style): (text: string) => string {
  if (kind === 'succeeded') return style.green
  if (kind === 'aborted') return style.red
  return isMilestone({ kind, message: '' }) ? style.bold : String
}
