/** Controllers that are broken on purpose: the simulation must notice, and say which promise they break. */
import { expect, test } from 'vitest'
import { faultRegressions } from './fault-regressions.ts'
import { guardRegressions } from './guard-regressions.ts'
import { invariantNames, type InvariantName } from './invariants/invariant.ts'
import { mutations } from './mutations.ts'
import { regressions } from './regressions.ts'
import { simulate, type SimulationOptions } from './simulation.ts'
import { strategyMutations } from './strategy-mutations.ts'
import { steeringRegressions } from './steering-regressions.ts'
import { strategyRegressions } from './strategy-regressions.ts'
import type { Tamper } from './world.ts'

const seeds = 300

const drawn: readonly SimulationOptions[] = Array.from({ length: seeds }, (_, index) => ({ seed: index + 1 }))

test.each([...mutations, ...strategyMutations])(
  "a controller that $flaw breaks '$breaks'",
  async ({ tamper, breaks }) => {
    expect(await isNoticed(tamper, breaks)).toBe(true)
  },
)

test('each promise is broken by one of them', () => {
  const broken = new Set([...mutations, ...strategyMutations].map(({ breaks }) => breaks))
  expect(invariantNames.filter((name) => !broken.has(name))).toEqual([])
})

async function isNoticed(tamper: Tamper, only: InvariantName): Promise<boolean> {
  for (const world of [
    ...regressions,
    ...faultRegressions,
    ...strategyRegressions,
    ...steeringRegressions,
    ...guardRegressions,
    ...drawn,
  ])
    if ((await simulate({ ...world, tamper, only })).violation) return true
  return false
}
