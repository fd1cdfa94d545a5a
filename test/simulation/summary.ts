/** What many worlds went through, for people. */
import { faultNames, type FaultName } from './faults.ts'
import type { Outcome } from './simulation.ts'

type Counts = Pick<Outcome, 'steps' | 'acts' | 'recoveries' | 'virtualMs' | 'struck'>

/** A headline, and a line for each kind of fault, also for those that never struck. */
export function summaryOf(outcomes: readonly Counts[]): readonly string[] {
  const sum = (count: (outcome: Counts) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0)
  const struck = (name: FaultName) => sum((outcome) => outcome.struck.get(name) ?? 0)
  const hours = sum(({ virtualMs }) => virtualMs) / 3_600_000
  const kinds = faultNames.filter((name) => struck(name) > 0).length
  return [
    `${outcomes.length} seeds, ${sum(({ steps }) => steps)} timer steps and ${sum(({ acts }) => acts)} effects in ${hours.toFixed(1)} hours of virtual time`,
    `${sum(({ recoveries }) => recoveries)} recoveries; ${faultNames.reduce((total, name) => total + struck(name), 0)} faults of ${kinds} kinds:`,
    ...faultNames.map((name) => `  ${name}: ${struck(name)}`),
  ]
}
