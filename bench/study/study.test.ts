/** A sample of `npm run study`, small enough for every day. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/system/random.ts'
import { aloneScenes, besideScenes, canaryScenes, falseAlarms } from './false-alarms.ts'
import { errorScenes, latencyScenes, power } from './power.ts'
import { binomial, normal } from './sampling.ts'

const runs = 200

test('an equal version is called worse in fewer than 1 of 100 rollouts', () => {
  const scenes = [...besideScenes, ...canaryScenes, ...aloneScenes].filter((_scene, index) => index % 4 === 1)
  const shares = scenes.map(({ world }, index) => falseAlarms(world, runs, index + 1).any)
  expect(shares.length).toBeGreaterThan(10)
  expect(mean(shares)).toBeLessThan(0.01)
})

test('2 points more errors are always caught, before an old version without any could be replaced', () => {
  for (const { world } of errorScenes(300, [0, 0.005, 0.01], 0.02)) expect(power(world, runs, 1).caught).toBe(1)
  const [{ world }] = errorScenes(300, [0], 0.02) as [(typeof besideScenes)[number]]
  expect(power(world, runs, 1).passed).toBeLessThan(0.02)
})

test('an equal version passes, most often with the answers that are asked of it', () => {
  for (const { world } of errorScenes(100, [0, 0.01], 0)) {
    const { passed, passedAfter } = power(world, 50, 1)
    expect(passed).toBe(1)
    expect(passedAfter.half).toBeLessThan(115)
  }
})

test('twice the latency is caught, the same passes', () => {
  const [same, twice] = latencyScenes([1, 2]).map(({ world }) => power(world, 50, 1))
  expect(same).toMatchObject({ caught: 0, passed: 1 })
  expect(twice).toMatchObject({ caught: 1, passed: 0 })
})

test('lots are drawn as they are meant to be', () => {
  const random = seededRandom(7)
  expect(mean(draws(() => binomial(random, 400, 0.05)))).toBeCloseTo(20, 0)
  expect(mean(draws(() => (binomial(random, 400, 0.95) - 380) ** 2))).toBeCloseTo(19, 0)
  expect(mean(draws(() => normal(random)))).toBeCloseTo(0, 1)
  expect(mean(draws(() => normal(random) ** 2))).toBeCloseTo(1, 1)
})

function draws(lot: () => number): readonly number[] {
  return Array.from({ length: 20_000 }, lot)
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length
}
