import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { dependencyCycles } from './dependencies.ts'

const cyclesOf = (dependencies: Readonly<Record<string, readonly string[]>>) =>
  dependencyCycles(new Map(Object.entries(dependencies)))

test('each cycle is told from where it begins to where it begins again', () => {
  expect(cyclesOf({ web: ['api'], api: ['db', 'web'], db: [] })).toEqual([['web', 'api', 'web']])
  expect(cyclesOf({ a: ['a'], b: ['c'], c: ['d'], d: ['c'] })).toEqual([
    ['a', 'a'],
    ['c', 'd', 'c'],
  ])
  expect(cyclesOf({ web: ['api', 'db'], api: ['db'], db: ['absent'] })).toEqual([])
})

const names = ['a', 'b', 'c', 'd', 'e', 'f']
const anyDependencies = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray(names)])))

test('there is either an order for all services or a cycle', () => {
  fc.assert(
    fc.property(anyDependencies, (dependencies) => {
      const cycles = cyclesOf(dependencies)
      expect(cycles.length === 0).toBe(hasOrder(dependencies))
      for (const cycle of cycles) {
        expect(cycle.length).toBeGreaterThan(1)
        expect(cycle.at(-1)).toBe(cycle[0])
        for (const [index, name] of cycle.slice(1).entries()) expect(dependencies[cycle[index] ?? '']).toContain(name)
      }
    }),
  )
})

/** By taking out, again and again, those that wait for none of the others. */
function hasOrder(dependencies: Readonly<Record<string, readonly string[]>>): boolean {
  const left = new Set(Object.keys(dependencies))
  for (let before = Infinity; left.size < before;) {
    before = left.size
    for (const name of left) if (!dependencies[name]?.some((other) => left.has(other))) left.delete(name)
  }
  return left.size === 0
}

test('a very long chain is no trouble', () => {
  const chain = new Map(Array.from({ length: 50_000 }, (_, index) => [`s${index}`, [`s${index + 1}`]]))
  expect(dependencyCycles(chain)).toEqual([])
  expect(dependencyCycles(chain.set('s50000', ['s0']))).toHaveLength(1)
})
