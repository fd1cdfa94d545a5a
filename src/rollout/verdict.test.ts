import { expect, test } from 'vitest'
import { afterEarlyDeath, noCrashLoop } from './backoff.ts'
import { rollingMoves } from './rolling.ts'
import { type RolloutFacts, verdict } from './verdict.ts'

const facts: RolloutFacts = {
  replicas: 3,
  ready: 1,
  outdated: 2,
  stillborn: 0,
  progressAtMs: 1_000,
  deadlineMs: 60_000,
}

test('a rollout goes on while instances become ready in time', () => {
  expect(verdict(facts, 60_999)).toEqual({ kind: 'running' })
})

test('it has succeeded when all are ready and no old one is left in rotation', () => {
  expect(verdict({ ...facts, ready: 3 }, 2_000).kind).toBe('running')
  expect(verdict({ ...facts, ready: 3, outdated: 0 }, 2_000)).toEqual({ kind: 'succeeded' })
})

test('it is aborted when no further instance became ready in time, with the symptom', () => {
  expect(verdict({ ...facts, symptom: 'web-1: HTTP 503' }, 61_000)).toEqual({
    kind: 'aborted',
    reason: 'no further instance became ready within 60 s; 1 of 3 are (web-1: HTTP 503)',
  })
})

test('it is aborted at once when the engine cannot run it, or instance after instance dies before it serves', () => {
  expect(verdict({ ...facts, cannotRun: 'no such file' }, 1_000).kind).toBe('aborted')
  expect(verdict({ ...facts, stillborn: 2 }, 1_000).kind).toBe('running')
  expect(verdict({ ...facts, stillborn: 3 }, 1_000).kind).toBe('aborted')
})

test('the first early death is replaced at once, the next with growing delays up to a minute', () => {
  let loop = noCrashLoop
  const delays = Array.from({ length: 9 }, () => {
    loop = afterEarlyDeath(loop, 'exited with code 1', 0)
    return loop.createAfterMs
  })
  expect(delays).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
})

test('rolling moves keep to the room above and the floor below', () => {
  const counts = { replicas: 10, surge: 3, floor: 10, current: 0, occupying: 10, ready: 10, unhealthy: 0 }
  expect(rollingMoves(counts)).toEqual({ create: 3, release: 0, giveUp: 0 })
  expect(rollingMoves({ ...counts, current: 3, occupying: 13, ready: 13 })).toEqual({
    create: 0,
    release: 3,
    giveUp: 3,
  })
  expect(rollingMoves({ ...counts, floor: 8 })).toEqual({ create: 3, release: 2, giveUp: 0 })
})
