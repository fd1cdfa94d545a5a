import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OwnProcesses } from './own-processes.ts'

const first = 100

function book(): OwnProcesses<string> {
  const own = new OwnProcesses<string>()
  own.add('web-1', first)
  return own
}

test('what descends from the first process is its own, however far', () => {
  const own = book()
  own.forked(first, 101)
  own.forked(101, 102)
  own.forked(102, 103)
  expect([101, 102, 103].map((pid) => own.ownerOf(pid))).toEqual(['web-1', 'web-1', 'web-1'])
})

test('a child whose parent has ended stays its own', () => {
  const own = book()
  own.forked(first, 101)
  own.forked(101, 102)
  own.ended(101, 1_000)
  own.purge(2_000)
  expect(own.ownerOf(101)).toBeUndefined()
  expect(own.ownerOf(102)).toBe('web-1')
})

test('what others fork is not its own', () => {
  const own = book()
  own.forked(7, 101)
  own.forked(101, 102)
  expect([101, 102].map((pid) => own.ownerOf(pid))).toEqual([undefined, undefined])
})

test('one that has ended is remembered for a while', () => {
  const own = book()
  own.forked(first, 101)
  own.ended(101, 1_000)
  own.purge(1_000)
  expect(own.ownerOf(101)).toBe('web-1')
  expect([...own.living()].map(([pid]) => pid)).toEqual([first])
  own.purge(1_001)
  expect(own.ownerOf(101)).toBeUndefined()
})

test('a number that is used again belongs to the new process', () => {
  const own = book()
  own.forked(first, 101)
  own.ended(101, 1_000)
  own.forked(7, 101)
  expect(own.ownerOf(101)).toBeUndefined()
  own.forked(first, 101)
  own.purge(5_000)
  expect(own.ownerOf(101)).toBe('web-1')
})

test('what is forgotten leaves nothing behind', () => {
  const own = book()
  own.add('web-2', 200)
  own.forked(first, 101)
  own.ended(101, 1_000)
  own.forget('web-1')
  expect([first, 101, 200].map((pid) => own.ownerOf(pid))).toEqual([undefined, undefined, 'web-2'])
})

test('whatever is forked and ends, only descendants are its own, and it does not grow without end', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('fork', 'end'), fc.nat(30), fc.nat(30)), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (given) => {
      const own = new OwnProcesses<string>()
      own.add('web-1', 0)
      const expected = new Set([0])
      for (const [nowMs, [what, parent, child]] of given.entries()) {
        if (child === 0 || parent === child) continue
        if (what === 'end') {
          own.ended(child, nowMs)
          own.purge(nowMs + 1)
          expected.delete(child)
        } else {
          own.forked(parent, child)
          if (expected.has(parent)) expected.add(child)
          else expected.delete(child)
        }
      }
      expect([...own.living()].map(([pid]) => pid).toSorted((a, b) => a - b)).toEqual(
        [...expected].toSorted((a, b) => a - b),
      )
      expect(own.size).toBe(expected.size)
    }),
  )
})
