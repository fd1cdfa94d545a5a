import { expect, test } from 'vitest'
import { containerRecord } from './container-record.ts'
import { observedInstance } from './instance-observer.ts'

const created = '2026-01-01T00:00:00.100Z'
const never = '0001-01-01T00:00:00Z'
const labels = {
  'repave.stack': 'shop',
  'repave.environment': 'test',
  'repave.service': 'web',
  'repave.version': 'abc',
}

test('an instance never ends before it started, whatever the engine has noted', () => {
  const State = {
    Status: 'exited',
    ExitCode: 3,
    StartedAt: '2026-01-01T00:00:00.300Z',
    FinishedAt: '2026-01-01T00:00:00.290Z',
  }
  const atMs = Date.parse(State.StartedAt)
  expect(observe(State)).toMatchObject({ phase: 'exited', startedAtMs: atMs, exit: { code: 3, atMs } })
})

test('an instance that could not be started has ended, with what the engine said', () => {
  const State = { Status: 'created', ExitCode: 127, Error: 'no such file', StartedAt: never, FinishedAt: never }
  const instance = observe(State)
  expect(instance).toMatchObject({
    phase: 'exited',
    exit: { code: 127, atMs: Date.parse(created), message: 'no such file' },
  })
  expect(instance).not.toHaveProperty('startedAtMs')
})

test.each([
  ['created', 'created'],
  ['running', 'running'],
  ['paused', 'running'],
  ['exited', 'exited'],
  ['dead', 'exited'],
  ['removing', 'exited'],
])('an instance that is %s counts as %s', (status, phase) => {
  expect(observe({ Status: status, ExitCode: 0, StartedAt: never, FinishedAt: never })?.phase).toBe(phase)
})

test('a paused instance is told from one that runs', () => {
  const times = { StartedAt: created, FinishedAt: never }
  expect(observe({ Status: 'paused', ExitCode: 0, ...times })?.isPaused).toBe(true)
  expect(observe({ Status: 'running', ExitCode: 0, ...times })?.isPaused).toBe(false)
})

test('a container without the labels of an instance is none', () => {
  expect(observe({ Status: 'running', ExitCode: 0, StartedAt: never, FinishedAt: never }, {})).toBeUndefined()
})

function observe(state: object, ownLabels: object = labels) {
  const container = containerRecord.parse({
    Id: 'c0ffee',
    Name: '/shop-test-web-abc-1',
    Created: created,
    Path: '/web',
    Image: 'sha256:0',
    State: { Running: false, Pid: 0, ...state },
    Config: { Labels: ownLabels },
    HostConfig: { NetworkMode: 'container:f00d' },
  })
  return observedInstance(container)
}
