/** Instances that people entered, for people. Pure. */
import type { AccessReport } from '../../model/report.ts'
import { printable } from './text.ts'

export function renderAccesses(accesses: readonly AccessReport[]): readonly string[] {
  if (accesses.length === 0) return ['nobody has opened an instance']
  return accesses.flatMap(({ id, instance, by, at, reason, end }) => [
    `${id}  ${at}  ${printable(by)}  ${instance}  ${printable(reason)}`,
    `  ${printable(end ?? 'is open')}`,
  ])
}
