/** Controllers that are broken on purpose: the simulation must notice, and say which promise they break. */
import { expect, test } from 'vitest'
import { faultRegressions } from './fault-regressions.ts'
import type { InvariantName } from './invariants/invariant.ts'
import { mutations } from './mutations.ts'
import { regressions } from './regressions.ts'
import { simulate, type SimulationOptions } from './simulation.ts'
import { strategyRegressions } from './strategy-regressions.ts'
import type { Tamper } from './world.ts'

const seeds = 300

const drawn: readonly SimulationOptions[] = Array.from({ length: seeds }, (_, index) => ({ seed: index + 1 }))

test.each(mutations)("a controller that $flaw breaks '$breaks'", async ({ tamper, breaks }) => {
  expect(await isNoticed(tamper, breaks)).toBe(true)
})

async function isNoticed(tamper: Tamper, only: InvariantName): Promise<boolean> {
  for (const world of [...regressions, ...faultRegressions, ...strategyRegressions, ...drawn])
    if ((await simulate({ ...world, tamper, only })).violation) return true
  return false
}
