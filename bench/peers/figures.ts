/** What clients saw of a change, from the trace of the load that went on meanwhile. Pure. */
import { quantile, type Outcome } from '../../test/load/tally.ts'

/** A change from one release to another; times are milliseconds since the epoch. */
export interface Change {
  readonly instances: number
  readonly to: string
  readonly askedAtMs: number
  /** When the peer said that it was done. */
  readonly doneAtMs: number
}

export interface ChangeFigures {
  /** Until every new instance had answered, and the peer had said that it was done. */
  readonly allNewMs: number
  /** Until the last answer of an instance that was to go. */
  readonly lastOldMs: number
  /** Until the new version had answered, and the other one answered no more. */
  readonly switchedMs: number
  readonly failed: number
  /** Of the answers from when it was asked until all were new and no old one answered any more. */
  readonly p99Ms: number
}

export function changeFigures(
  trace: readonly Outcome[],
  { instances, to, askedAtMs, doneAtMs }: Change,
): ChangeFigures {
  const since = trace.filter(({ atMs }) => atMs >= askedAtMs)
  const answers = since.filter((outcome) => outcome.kind === 'answer')
  const lastOldMs = Math.max(0, ...answers.filter(({ release }) => release !== to).map(({ atMs }) => atMs - askedAtMs))
  const firsts = firstAnswersMs(answers.filter(({ release }) => release === to))
  if (firsts.length < instances) throw new Error(`${firsts.length} of ${instances} instances of ${to} have answered`)
  const allNewMs = Math.max(doneAtMs, firsts[instances - 1]!) - askedAtMs
  const during = answers.filter(({ atMs }) => atMs - askedAtMs <= Math.max(allNewMs, lastOldMs))
  return {
    allNewMs,
    lastOldMs,
    switchedMs: Math.max(lastOldMs, firsts[0]! - askedAtMs),
    failed: since.length - answers.length,
    p99Ms: quantile(
      during.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b),
      0.99,
    ),
  }
}

/** When each instance answered first, ascending. */
function firstAnswersMs(answers: readonly { readonly instance: string; readonly atMs: number }[]): readonly number[] {
  const firsts = new Map<string, number>()
  for (const { instance, atMs } of answers) firsts.set(instance, Math.min(atMs, firsts.get(instance) ?? Infinity))
  return [...firsts.values()].toSorted((a, b) => a - b)
}
