import { expect, test } from 'vitest'
import type { ObservedInstance } from '../engine/engine.ts'
import type { Health } from '../model/version.ts'
import type { Probe } from '../probe/probe.ts'
import { VirtualClock } from '../system/virtual-clock.ts'
import { HealthWatch } from './health.ts'

const health: Health = { kind: 'process', intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 }
const probe: Probe = { probe: () => Promise.reject(new Error('a process has no port to ask')) }

test('a process that nobody can ask is healthy once it has lived for an interval', async () => {
  const clock = new VirtualClock(50_000)
  const watch = new HealthWatch(clock, probe, () => {})
  // The watch looks at name, birth and start alone.
  const instance = { name: 'shop-default-work-1', createdAtMs: 49_900, startedAtMs: 50_000 } as ObservedInstance
  watch.follow([{ instance, health, trusted: false, startLimitMs: 60_000 }])
  await clock.advance(900)
  expect(watch.of(instance)).toMatchObject({ state: 'starting', answer: 'has run for less than 1000 ms' })
  await clock.advance(300)
  expect(watch.of(instance)).toMatchObject({ state: 'healthy', answer: 'running' })
  watch.stop()
})
