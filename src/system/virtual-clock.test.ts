import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

test('timers fire in order of time, then of age', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }), async (waits) => {
      const clock = new VirtualClock(1000)
      const fired: { readonly index: number; readonly atMs: number }[] = []
      waits.forEach((ms, index) => void clock.sleep(ms).then(() => fired.push({ index, atMs: clock.now() })))
      await clock.advance(20)
      const expected = waits
        .map((ms, index) => ({ index, atMs: 1000 + ms }))
        .toSorted((a, b) => a.atMs - b.atMs || a.index - b.index)
      expect(fired).toEqual(expected)
      expect(clock.now()).toBe(1020)
    }),
  )
})

test('whatever a timer sets off runs before the next timer', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  void chain(clock, 10, 'first', seen)
  void chain(clock, 10, 'second', seen)
  await clock.advance(10)
  expect(seen).toEqual(['first 1', 'first 2', 'first 3', 'second 1', 'second 2', 'second 3'])
})

async function chain(clock: VirtualClock, ms: number, name: string, seen: string[]): Promise<void> {
  await clock.sleep(ms)
  for (const turn of [1, 2, 3]) {
    await Promise.resolve()
    seen.push(`${name} ${turn}`)
  }
}

test('time passes no further than told', async () => {
  const clock = new VirtualClock()
  let done = false
  void clock.sleep(100).then(() => (done = true))
  await clock.advance(99)
  expect(done).toBe(false)
  await clock.advance(1)
  expect(done).toBe(true)
})

test('a sleep ends with the reason of its signal, and leaves no timer', async () => {
  const clock = new VirtualClock()
  const abort = new AbortController()
  const sleep = clock.sleep(100, abort.signal)
  abort.abort(new Error('enough'))
  await expect(sleep).rejects.toThrow('enough')
  expect(clock.nextAtMs()).toBeUndefined()
  await expect(clock.sleep(1, abort.signal)).rejects.toThrow('enough')
})

test('a timer set by a timer fires in the same run', async () => {
  const clock = new VirtualClock()
  const seen: number[] = []
  void (async () => {
    for (;;) {
      await clock.sleep(30)
      seen.push(clock.now())
    }
  })()
  await clock.advance(100)
  expect(seen).toEqual([30, 60, 90])
})
