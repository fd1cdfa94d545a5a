/** What many worlds went through: plain data, so that processes can pass it on. */
import { faultNames, type FaultName } from './faults.ts'
import { milestoneNames, type MilestoneName } from './milestones.ts'
import type { Outcome } from './simulation.ts'

export interface Tally {
  readonly seeds: number
  readonly steps: number
  readonly effects: number
  readonly recoveries: number
  readonly virtualMs: number
  readonly struck: ReadonlyMap<FaultName, number>
  readonly reached: ReadonlyMap<MilestoneName, number>
}

export const nothing: Tally = {
  seeds: 0,
  steps: 0,
  effects: 0,
  recoveries: 0,
  virtualMs: 0,
  struck: new Map(),
  reached: new Map(),
}

export function tallyOf({ steps, acts, recoveries, virtualMs, struck, reached }: Outcome): Tally {
  return { seeds: 1, steps, effects: acts, recoveries, virtualMs, struck, reached }
}

export function sum(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    steps: a.steps + b.steps,
    effects: a.effects + b.effects,
    recoveries: a.recoveries + b.recoveries,
    virtualMs: a.virtualMs + b.virtualMs,
    struck: new Map(faultNames.map((name) => [name, timesOf(a, name) + timesOf(b, name)])),
    reached: new Map(milestoneNames.map((name) => [name, timesOf(a, name) + timesOf(b, name)])),
  }
}

export function timesOf({ struck, reached }: Tally, name: FaultName | MilestoneName): number {
  const counts: readonly ReadonlyMap<string, number>[] = [struck, reached]
  return counts.find((each) => each.has(name))?.get(name) ?? 0
}

/** A headline, and a line for each kind of fault and each milestone, also for those that never came. */
export function tallyWords(tally: Tally): readonly string[] {
  const { seeds, steps, effects, recoveries, virtualMs } = tally
  const kinds = faultNames.filter((name) => timesOf(tally, name) > 0).length
  const faults = faultNames.reduce((total, name) => total + timesOf(tally, name), 0)
  return [
    `${seeds} seeds: ${steps} timer steps and ${effects} effects in ${(virtualMs / 3_600_000).toFixed(1)} hours of virtual time`,
    `${recoveries} recoveries; ${faults} faults of ${kinds} kinds:`,
    ...[...faultNames, ...milestoneNames].map((name) => `${String(timesOf(tally, name)).padStart(9)}  ${name}`),
  ]
}
