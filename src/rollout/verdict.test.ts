import { expect, test } from 'vitest'
import { afterEarlyDeath, noCrashLoop } from './backoff.ts'
import { rollingMoves } from './rolling.ts'
import { type RolloutFacts, verdict } from './verdict.ts'

const facts: RolloutFacts = {
  isReached: false,
  isLast: true,
  heldMs: 0,
  holdMs: 0,
  answers: 0,
  requests: 0,
  isPromoted: false,
  maxPauseMs: 3_600_000,
  stillborn: 0,
  failing: 0,
  idleMs: 59_999,
  deadlineMs: 60_000,
  ready: 1,
  wanted: 3,
}
const held: RolloutFacts = { ...facts, isReached: true, heldMs: 29_999, holdMs: 30_000 }

test('a rollout goes on while instances become ready in time', () => {
  expect(verdict(facts)).toEqual({ kind: 'running' })
})

test('it has succeeded when all is as its last stage wants it, and steps on before', () => {
  expect(verdict({ ...facts, isReached: true })).toEqual({ kind: 'succeeded' })
  expect(verdict({ ...facts, isReached: true, isLast: false })).toEqual({ kind: 'stepped' })
})

test('it is aborted when no further instance became ready in time, with the symptom', () => {
  expect(verdict({ ...facts, idleMs: 60_000, symptom: 'web-1: HTTP 503', failing: 1 })).toEqual({
    kind: 'aborted',
    reason: 'no further instance became ready within 60 s; 1 of 3 are (web-1: HTTP 503)',
    isFault: true,
  })
})

test('a version is at fault where its own instances show it, and not where none could be made or brought in', () => {
  const overdue = { ...facts, idleMs: 60_000 }
  expect(verdict(overdue)).toMatchObject({ kind: 'aborted', isFault: false })
  expect(verdict({ ...overdue, failing: 1 })).toMatchObject({ isFault: true })
  expect(verdict({ ...overdue, stillborn: 1 })).toMatchObject({ isFault: true })
  const cannotRun = { words: 'no such file', isFault: true }
  expect(verdict({ ...facts, cannotRun })).toMatchObject({ kind: 'aborted', isFault: true })
  expect(verdict({ ...facts, cannotRun: { words: 'the name is taken', isFault: false } })).toMatchObject({
    kind: 'aborted',
    isFault: false,
  })
})

test('it is aborted at once when the engine cannot run it, or instance after instance dies before it serves', () => {
  expect(verdict({ ...facts, cannotRun: { words: 'no such file', isFault: true } }).kind).toBe('aborted')
  expect(verdict({ ...facts, stillborn: 2 }).kind).toBe('running')
  expect(verdict({ ...facts, stillborn: 3 }).kind).toBe('aborted')
})

test('a stage is held for its time, unless it was promoted; the last one is watched all the same', () => {
  expect(verdict(held).kind).toBe('running')
  expect(verdict({ ...held, heldMs: 30_000 }).kind).toBe('succeeded')
  expect(verdict({ ...held, isPromoted: true, isLast: false }).kind).toBe('stepped')
  expect(verdict({ ...held, isPromoted: true }).kind).toBe('running')
  expect(verdict({ ...held, isPromoted: true, heldMs: 30_000, answers: 0, requests: 100 }).kind).toBe('succeeded')
})

test('what is worse ends it at once, also when it is paused or promoted', () => {
  const worse = { kind: 'aborted', reason: 'errors: 3 of 20 answers failed', isFault: true } as const
  expect(verdict({ ...held, worse: worse.reason, isPromoted: true })).toEqual(worse)
  expect(verdict({ ...held, worse: worse.reason, pausedMs: 1 })).toEqual(worse)
})

test('no figures are never a pass: too few answers, or a gate that says nothing, end it when the deadline is over', () => {
  const lacking = { ...held, heldMs: 30_000, answers: 12, requests: 100 }
  expect(verdict(lacking).kind).toBe('running')
  expect(verdict({ ...lacking, heldMs: 90_000 })).toEqual({
    kind: 'aborted',
    reason: 'it gave 12 answers, and 100 are needed to judge it',
    isFault: false,
  })
  expect(verdict({ ...lacking, answers: 100 }).kind).toBe('succeeded')
  expect(verdict({ ...held, heldMs: 90_000, unknown: 'queue says nothing' })).toEqual({
    kind: 'aborted',
    reason: 'queue says nothing',
    isFault: false,
  })
})

test('a pause holds it, until it has lasted too long', () => {
  expect(verdict({ ...held, heldMs: 90_000, pausedMs: 3_599_999 }).kind).toBe('running')
  expect(verdict({ ...held, pausedMs: 3_600_000 })).toEqual({
    kind: 'aborted',
    reason: 'it was paused for longer than 3600 s',
    isFault: false,
  })
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
  const counts = { replicas: 10, ceiling: 13, surge: 3, floor: 10, missing: 10, occupying: 10, ready: 10, unhealthy: 0 }
  expect(rollingMoves(counts)).toEqual({ create: 3, release: 0, giveUp: 0 })
  expect(rollingMoves({ ...counts, missing: 7, occupying: 13, ready: 13 })).toEqual({
    create: 0,
    release: 3,
    giveUp: 3,
  })
  expect(rollingMoves({ ...counts, floor: 8 })).toEqual({ create: 3, release: 2, giveUp: 0 })
})
