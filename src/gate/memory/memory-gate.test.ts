import { expect, test } from 'vitest'
import { systemClock } from '../../system/clock.ts'
import { VirtualClock } from '../../system/virtual-clock.ts'
import { contractAnswers, gateContract } from '../gate-contract.ts'
import { MemoryGate } from './memory-gate.ts'

const never = new AbortController().signal
const [url, deadUrl] = ['http://prometheus', 'http://dead']

gateContract('memory', async () => {
  const world = {
    answer: (query: { url: string; query: string }) =>
      query.url === deadUrl ? ('unreachable' as const) : (contractAnswers[query.query] ?? 'none'),
  }
  return { gate: new MemoryGate(systemClock, world), url, deadUrl }
})

test('silence is waited for, for a time', async () => {
  const clock = new VirtualClock()
  const gate = new MemoryGate(clock, { answer: () => 'silent' }, 10)
  const failure = gate.measure({ url, query: 'vector(3)' }, never).catch((error: unknown) => error)
  await clock.advance(5_010)
  expect(await failure).toEqual(expect.objectContaining({ code: 'GATE_UNREACHABLE' }))
})
