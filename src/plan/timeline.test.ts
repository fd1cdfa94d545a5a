import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ServiceTimeline, TimelineReport } from '../model/report.ts'
import type { ServiceRelease } from '../model/release.ts'
import { resolveQuantity, type RolloutPolicy, type VerdictPolicy } from '../model/stack.ts'
import { defaultHardening, type VersionSpec } from '../model/version.ts'
import type { FleetInstance } from './fleet.ts'
import type { FleetStart } from './timeline-fleet.ts'
import { simulateTimeline, type TimelineStart } from './timeline.ts'

const old = '4f9a1c2b'.repeat(8)
const next = '90ab12cd'.repeat(8)
const times = { makeMs: 100, createMs: 300, healthyMs: 700, drainMs: 100, destroyMs: 200 }
const spec: VersionSpec = {
  image: 'sha256:1111',
  command: ['/web'],
  workingDirectory: '/',
  environment: {},
  user: '1000',
  port: 8080,
  health: { kind: 'tcp', intervalMs: 1_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  hardening: defaultHardening,
}
const base = {
  maxSurge: { kind: 'count', count: 1 },
  maxUnavailable: { kind: 'count', count: 0 },
  deadlineMs: 60_000,
} as const
const rolling: RolloutPolicy = { ...base, strategy: 'rolling' }
const recreate: RolloutPolicy = {
  strategy: 'recreate',
  maxSurge: { kind: 'count', count: 0 },
  maxUnavailable: { kind: 'share', share: 1 },
  deadlineMs: 60_000,
}
const blueGreen: RolloutPolicy = { ...base, strategy: 'blueGreen', keepWarmMs: 600_000 }
const canary: RolloutPolicy = {
  ...base,
  strategy: 'canary',
  keepWarmMs: 0,
  steps: [{ share: 0.05, holdMs: 60_000, requests: 100 }],
}

function service(version: string, rollout: RolloutPolicy, changes: Partial<ServiceRelease> = {}): ServiceRelease {
  const routes = [{ listen: { address: '*', port: 8080 }, path: '/' }]
  return { version, spec, imageName: 'web:1', replicas: 3, routes, rollout, drainMs: 10_000, ...changes }
}

function serving(name: string, { version, replicas, standby = 0, routes }: ServiceRelease, lane: 'a' | 'b' = 'a') {
  const state = { intact: true, phase: 'running', health: 'healthy', condemned: false, ending: false } as const
  return Array.from({ length: replicas + standby }, (_, index): FleetInstance => {
    const rotation =
      routes.length > 0 && index < replicas ? ({ rotation: 'in', lane } as const) : { rotation: 'out' as const }
    return { ...state, ...rotation, name: `${name}-${version.slice(0, 8)}-${index + 1}`, version, createdAtMs: index }
  })
}

function fleet(
  before: ServiceRelease | undefined,
  after: ServiceRelease | undefined,
  changes: Partial<FleetStart> = {},
) {
  const key = { stack: 'shop', environment: 'production', service: 'web' }
  const instances = before ? serving('web', before) : []
  return { key, before, after, instances, split: 0, times, assumptions: [], ...changes }
}

function named(name: string, start: FleetStart): FleetStart {
  return { ...start, key: { ...start.key, service: name } }
}

function simulated(fleets: readonly FleetStart[], isTakenBackAlone = false): TimelineReport {
  const simulation = simulateTimeline({ fleets, isTakenBackAlone } satisfies TimelineStart)
  for (;;) {
    const { done, value } = simulation.next()
    if (done) return value
  }
}

/** The only service of the report. */
function timeline(start: FleetStart): ServiceTimeline {
  const [only] = simulated([start]).services
  if (!only) throw new Error('nothing happens')
  return only
}

const outcomes = (report: TimelineReport) => report.services.map(({ outcome }) => outcome)
/** But for how things stand now. */
const lines = ({ points }: ServiceTimeline) =>
  points
    .slice(1)
    .map(({ atMs, ready, events }) => `${atMs} (${ready}) ${events.map(({ message }) => message).join('; ')}`)

describe('a rollout', () => {
  test('that rolls replaces one after the other, and never has fewer than it needs', () => {
    const report = timeline(fleet(service(old, rolling), service(next, rolling)))
    expect(lines(report)).toEqual([
      '0 (3) 1 instance of 90ab12cd is started',
      '1000 (3) 1 instance of 90ab12cd is ready; 1 instance of 4f9a1c2b leaves; 1 instance of 90ab12cd is started',
      '1300 (3) 1 instance of 4f9a1c2b is gone',
      '2000 (3) 1 instance of 90ab12cd is ready; 1 instance of 4f9a1c2b leaves; 1 instance of 90ab12cd is started',
      '2300 (3) 1 instance of 4f9a1c2b is gone',
      '3000 (3) 1 instance of 90ab12cd is ready; 1 instance of 4f9a1c2b leaves; done: 90ab12cd serves',
      '3300 (3) 1 instance of 4f9a1c2b is gone',
    ])
    expect(report).toMatchObject({ from: 'web@4f9a1c2b', to: 'web@90ab12cd', durationMs: 3_000, outcome: 'succeeded' })
  })

  test('that recreates has a gap', () => {
    expect(lines(timeline(fleet(service(old, recreate), service(next, recreate))))).toEqual([
      '100 (0) 3 instances of 4f9a1c2b leave',
      '400 (0) 3 instances of 4f9a1c2b are gone; 3 instances of 90ab12cd are started',
      '1300 (3) 3 instances of 90ab12cd are ready; done: 90ab12cd serves',
    ])
  })

  test('that is blue/green moves all requests at once, and keeps the old fleet warm', () => {
    const report = timeline(fleet(service(old, blueGreen), service(next, blueGreen)))
    expect(lines(report)).toEqual([
      '0 (3) 3 instances of 90ab12cd are started',
      '1000 (3) 3 instances of 90ab12cd are ready; all requests go to 90ab12cd; done: 90ab12cd serves; 4f9a1c2b stays warm for 10 m',
      '601000 (3) 4f9a1c2b is kept warm no longer; 3 instances of 4f9a1c2b leave',
      '601300 (3) 3 instances of 4f9a1c2b are gone',
    ])
    expect(report.durationMs).toBe(1_000)
    expect(report.points[2]?.versions).toEqual([
      { version: 'web@4f9a1c2b', ready: 0, starting: 0, warm: 3, leaving: 0, share: 0 },
      { version: 'web@90ab12cd', ready: 3, starting: 0, warm: 0, leaving: 0, share: 1 },
    ])
  })

  test('that is a canary gives shares, each held for its time', () => {
    const report = timeline(fleet(service(old, canary), service(next, canary)))
    expect(lines(report)).toEqual([
      '0 (3) 1 instance of 90ab12cd is started',
      '1000 (4) 1 instance of 90ab12cd is ready; 5 % of the requests go to 90ab12cd, held for 1 m and 100 answers',
      '61000 (4) 2 instances of 90ab12cd are started',
      '62000 (3) 2 instances of 90ab12cd are ready; all requests go to 90ab12cd; done: 90ab12cd serves; 3 instances of 4f9a1c2b leave',
      '62300 (3) 3 instances of 4f9a1c2b are gone',
    ])
    expect(report.points[2]?.versions.map(({ share }) => share)).toEqual([0.95, 0.05])
    expect(report.assumptions).toEqual([
      { what: 'requests', basis: 'the answers that are needed are taken to come in time' },
    ])
  })

  test('tells of the assumptions that count', () => {
    const assumptions = (['start', 'drain', 'end'] as const).map((what) => ({ what, ms: 0, basis: 'guessed' }))
    const told = (start: FleetStart) => timeline({ ...start, assumptions }).assumptions.map(({ what }) => what)
    expect(told(fleet(undefined, service(next, canary)))).toEqual(['start'])
    expect(told(fleet(service(old, canary), undefined))).toEqual(['drain', 'end'])
    expect(told(fleet(service(old, canary), service(next, canary)))).toEqual(['start', 'drain', 'end', 'requests'])
  })

  test('holds a share for as long as the answers take that come', () => {
    const report = timeline(fleet(service(old, canary), service(next, canary), { requestsPerSecond: 20 }))
    expect(report).toMatchObject({ outcome: 'succeeded', durationMs: 102_000 })
  })

  test('that would not get enough answers would be taken back', () => {
    const report = timeline(fleet(service(old, canary), service(next, canary), { requestsPerSecond: 2 }))
    expect(report).toMatchObject({ outcome: 'aborted', durationMs: 121_000 })
    expect(lines(report).at(-1)).toBe(
      '121000 (4) would be taken back: it gave 12 answers, and 100 are needed to judge it',
    )
  })

  test('whose instances take longer than its deadline would be taken back', () => {
    const slow = { times: { ...times, healthyMs: 90_000 } }
    const report = timeline(fleet(service(old, rolling), service(next, rolling), slow))
    expect(lines(report).at(-1)).toBe(
      '60000 (3) would be taken back: no further instance became ready within 60 s; 0 of 3 are',
    )
  })

  test('is watched for its window', () => {
    const watched = { ...rolling, verdict: { windowMs: 30_000, requests: 0, errors: true } }
    const report = timeline(fleet(service(old, rolling), service(next, watched)))
    expect(lines(report).slice(-3)).toEqual([
      '3000 (3) 1 instance of 90ab12cd is ready; 1 instance of 4f9a1c2b leaves; 90ab12cd is watched for 30 s',
      '3300 (3) 1 instance of 4f9a1c2b is gone',
      '33000 (3) done: 90ab12cd serves',
    ])
    expect(report.durationMs).toBe(33_000)
  })

  test('of a fleet that grows begins with those that are missing', () => {
    const report = timeline(fleet(service(old, canary), service(old, canary, { replicas: 9 })))
    expect(lines(report)).toEqual([
      '0 (3) 4 instances of 4f9a1c2b are started',
      '300 (3) 2 instances of 4f9a1c2b are started',
      '1000 (7) 4 instances of 4f9a1c2b are ready',
      '1300 (9) 2 instances of 4f9a1c2b are ready; done: 4f9a1c2b serves',
    ])
  })
})

describe('what runs already', () => {
  const half = { from: service(old, canary), stage: 0, isSwitch: false, isPromoted: false }
  const fresh = serving('web', service(next, canary, { replicas: 1 }), 'b')
  const both = [...serving('web', service(old, canary)), ...fresh]
  const running = service(next, canary)

  test('a rollout goes on from where it is', () => {
    const rollout = { ...half, heldForMs: 20_000 }
    const report = timeline(fleet(running, running, { rollout, instances: both, split: 50 }))
    expect(lines(report)[0]).toBe('40000 (4) 2 instances of 90ab12cd are started')
    expect(report).toMatchObject({ from: 'web@4f9a1c2b', outcome: 'succeeded' })
  })

  test('a rollout that is paused ends at the limit of its pause', () => {
    const rollout = { ...half, pausedForMs: 600_000 }
    const report = timeline(fleet(running, running, { rollout, instances: both, split: 50 }))
    expect(lines(report).at(-1)).toBe('3000000 (4) would be taken back: it was paused for longer than 3600 s')
  })

  test('a rollout that another one supersedes leads from where it began', () => {
    const third = service('c'.repeat(64), canary)
    const report = timeline(fleet(running, third, { rollout: half, instances: both, split: 50 }))
    expect(report).toMatchObject({ from: 'web@4f9a1c2b', to: 'web@cccccccc', outcome: 'succeeded' })
    expect(lines(report)[0]).toContain('all requests go to 4f9a1c2b')
  })

  test('what is kept warm is let go in its time', () => {
    const after = service(next, blueGreen)
    const instances = [...serving('web', service(old, blueGreen)), ...serving('web', after, 'b')]
    const report = timeline(fleet(after, after, { instances, split: 1_000, warm: { version: old, untilMs: 5_000 } }))
    expect(lines(report)).toEqual([
      '5000 (3) 4f9a1c2b is kept warm no longer; 3 instances of 4f9a1c2b leave',
      '5300 (3) 3 instances of 4f9a1c2b are gone',
    ])
  })

  test('nothing happens where everything is as declared', () => {
    expect(simulated([fleet(service(old, rolling), service(old, rolling))])).toEqual({ services: [], durationMs: 0 })
  })

  test('a service that goes away is drained and ended', () => {
    const report = timeline(fleet(service(old, rolling), undefined))
    expect(report).toMatchObject({ from: 'web@4f9a1c2b', to: null, replicas: 0, floor: 0, durationMs: 300 })
  })
})

describe('several services', () => {
  const dependent = (rollout: RolloutPolicy) => service(next, rollout, { dependsOn: ['db'] })
  const db = named('db', fleet(service(old, recreate), service(next, recreate)))

  test('one that depends on another one waits for that', () => {
    const [, web] = simulated([db, fleet(service(old, rolling), dependent(rolling))]).services
    expect(web && lines(web).slice(0, 2)).toEqual(['0 (3) waits for db', '1300 (3) 1 instance of 90ab12cd is started'])
  })

  test('no more instances are started at once than the engine is given', () => {
    const six = fleet(undefined, service(next, rolling, { replicas: 6 }))
    const [, second] = simulated([named('a', six), named('b', six)]).services
    expect(second && lines(second)[0]).toBe('300 (0) 2 instances of 90ab12cd are started')
  })

  test('all that was decided goes back with one that fails, or that one alone', () => {
    const failing = fleet(service(old, canary), service(next, canary), { requestsPerSecond: 1 })
    const other = named('other', fleet(service(old, blueGreen), service(next, blueGreen)))
    expect(outcomes(simulated([failing, other]))).toEqual(['aborted', 'aborted'])
    expect(outcomes(simulated([failing, other], true))).toEqual(['aborted', 'succeeded'])
  })
})

describe('whatever the policy', () => {
  const ms = fc.integer({ min: 0, max: 3_000 })
  const someTimes = fc.record({ makeMs: fc.constant(0), createMs: ms, healthyMs: ms, drainMs: ms, destroyMs: ms })
  const verdict: fc.Arbitrary<VerdictPolicy> = fc.record({
    windowMs: fc.integer({ min: 0, max: 60_000 }),
    requests: fc.integer({ min: 0, max: 500 }),
    errors: fc.boolean(),
  })
  const quantity = fc.oneof(
    fc.integer({ min: 0, max: 4 }).map((count) => ({ kind: 'count', count }) as const),
    fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ kind: 'share', share }) as const),
  )
  const steps = fc
    .uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 4 })
    .map((shares) => shares.toSorted((a, b) => a - b))
    .chain((shares) =>
      fc.tuple(...shares.map((share) => fc.record({ share: fc.constant(share / 1_000), holdMs: ms, requests: ms }))),
    )
  const optionalVerdict = fc.oneof(
    fc.constant({}),
    verdict.map((each) => ({ verdict: each })),
  )
  const policy: fc.Arbitrary<RolloutPolicy> = fc
    .record({ surge: quantity, unavailable: quantity, keepWarmMs: ms, judged: optionalVerdict, steps })
    .chain(({ surge, unavailable, keepWarmMs, judged, steps: some }) => {
      const common = { ...base, maxSurge: surge, maxUnavailable: unavailable, ...judged }
      return fc.constantFrom<RolloutPolicy>(
        { ...common, strategy: 'rolling' },
        { ...recreate, ...judged },
        { ...common, strategy: 'blueGreen', keepWarmMs },
        { ...common, strategy: 'canary', keepWarmMs, steps: some },
      )
    })
  const release = (version: string, isRouted: boolean) =>
    fc
      .record({ rollout: policy, replicas: fc.integer({ min: 1, max: 7 }), standby: fc.integer({ min: 0, max: 2 }) })
      .filter(({ rollout, replicas }) => mayMove(rollout, replicas))
      .filter(({ rollout }) => isRouted || rollout.strategy === 'rolling' || rollout.strategy === 'recreate')
      .map(({ rollout, ...rest }) => service(version, rollout, isRouted ? rest : { ...rest, routes: [] }))
  const start = fc.boolean().chain((isRouted) =>
    fc
      .record({
        before: fc.option(release(old, isRouted), { nil: undefined }),
        after: release(next, isRouted),
        lane: fc.constantFrom('a' as const, 'b' as const),
        times: someTimes,
      })
      .map(({ before, after, lane, times: usual }) => {
        const instances = before ? serving('web', before, lane) : []
        return fleet(before, after, { instances, split: lane === 'b' && before ? 1_000 : 0, times: usual })
      }),
  )

  test('it ends, with the new version alone, and never below the floor', () => {
    fc.assert(
      fc.property(start, (given) => {
        const report = timeline(given)
        const { before, after } = given
        expect(report.outcome).toBe('succeeded')
        const floor = before && after ? Math.min(floorOf(before), floorOf(after)) : 0
        for (const { ready, versions } of report.points) {
          expect(ready).toBeGreaterThanOrEqual(floor)
          const total = versions.reduce((sum, { share }) => sum + share, 0)
          expect(total).toBeCloseTo(ready > 0 ? 1 : 0, 9)
        }
        const { replicas = 0, standby = 0, routes = [] } = after ?? {}
        const ready = routes.length > 0 ? replicas : replicas + standby
        expect(report.points.at(-1)?.versions).toEqual([
          { version: 'web@90ab12cd', ready, starting: 0, warm: replicas + standby - ready, leaving: 0, share: 1 },
        ])
      }),
      { numRuns: 500 },
    )
  })

  test('it ends for services that wait for each other, and for any rate of requests', () => {
    const rate = fc.oneof(
      fc.constant({}),
      fc.integer({ min: 0, max: 50 }).map((each) => ({ requestsPerSecond: each })),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(start, rate, fc.nat(2)), { minLength: 1, maxLength: 3 }), (given) => {
        const fleets = given.map(([{ after, ...each }, requests, other], index): FleetStart => {
          const key = { ...each.key, service: `s${index}` }
          return { ...each, ...requests, key, after: after && { ...after, dependsOn: [`s${other}`] } }
        })
        expect(simulated(fleets).isCut).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})

function floorOf({ replicas, rollout }: ServiceRelease): number {
  return Math.max(0, replicas - resolveQuantity(rollout.maxUnavailable, replicas, 'down'))
}

/** As the stack file is checked: something has to be allowed to change. */
function mayMove({ maxSurge, maxUnavailable }: RolloutPolicy, replicas: number): boolean {
  return resolveQuantity(maxSurge, replicas, 'up') + resolveQuantity(maxUnavailable, replicas, 'down') > 0
}
