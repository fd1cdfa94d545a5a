/** Fleets of one size in a table, in words and numbers. Pure. */
import type { Role } from './contenders.ts'
import type { ChangeFigures } from './figures.ts'
import type { Measured } from './measure.ts'

export interface Row {
  readonly name: string
  /** Or why there are no figures. */
  readonly measured: Measured | Error
  readonly role?: Role
}

interface Goal {
  readonly words: string
  readonly atLeast: number
  readonly ratio: number
}

const goals = { allNew: 2.5, rollBack: 100 }
const nameWidth = 50
const heads = ['all new', '(times)', 'last old', 'failed', 'p99', 'rolled back', '(times)', 'failed']
const widths = [9, 9, 10, 8, 10, 13, 9, 8]

/** Medians of the rounds, and failed requests of all rounds. */
export function table(instances: number, rows: readonly Row[]): string {
  const [allAtOnce, warm, swarm] = (['allAtOnce', 'warm', 'swarm'] as const).map((role) => find(rows, role))
  const reached =
    allAtOnce && warm && swarm
      ? [
          goal('all new', allNewMs(swarm) / allNewMs(allAtOnce), goals.allNew),
          goal('rolled back', backMs(swarm) / backMs(warm), goals.rollBack),
        ]
      : []
  return [
    `${instances} instances`.padEnd(nameWidth) + cells(heads),
    ...rows.map(({ name, measured }) => name.padEnd(nameWidth) + rowWords(measured, allAtOnce, warm)),
    ...reached.map(goalWords),
  ].join('\n')
}

function find(rows: readonly Row[], role: Role): Measured | undefined {
  const measured = rows.find((row) => row.role === role)?.measured
  return measured instanceof Error ? undefined : measured
}

function rowWords(measured: Measured | Error, allAtOnce: Measured | undefined, warm: Measured | undefined): string {
  if (measured instanceof Error) return `  failed: ${measured.message}`
  const { changes, waysBack } = measured
  return cells([
    seconds(allNewMs(measured)),
    times(allNewMs(measured), allAtOnce && allNewMs(allAtOnce)),
    seconds(median(changes, ({ lastOldMs }) => lastOldMs)),
    failed(changes),
    `${Math.round(median(changes, ({ p99Ms }) => p99Ms))} ms`,
    seconds(backMs(measured)),
    times(backMs(measured), warm && backMs(warm)),
    failed(waysBack),
  ])
}

function cells(texts: readonly string[]): string {
  return texts.map((text, index) => text.padStart(widths[index] ?? 0)).join('')
}

function allNewMs({ changes }: Measured): number {
  return median(changes, (change) => change.allNewMs)
}

function backMs({ waysBack }: Measured): number {
  return median(waysBack, ({ switchedMs }) => switchedMs)
}

function failed(changes: readonly ChangeFigures[]): string {
  return String(changes.reduce((sum, change) => sum + change.failed, 0))
}

function median(changes: readonly ChangeFigures[], of: (change: ChangeFigures) => number): number {
  return changes.map(of).toSorted((a, b) => a - b)[Math.floor(changes.length / 2)] ?? Number.NaN
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 1_000 ? 3 : 2)} s`
}

function times(ms: number, ofMs: number | undefined): string {
  if (ofMs === undefined) return ''
  const ratio = ms / ofMs
  return `(${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)})`
}

function goal(words: string, ratio: number, atLeast: number): Goal {
  return { words, ratio, atLeast }
}

function goalWords({ words, ratio, atLeast }: Goal): string {
  return `  ${words}: Repave is ${ratio.toFixed(1)} times as fast as Swarm (goal at 10 and at 30: ${atLeast})`
}
