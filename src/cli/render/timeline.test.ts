import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { ServiceTimeline, TimelinePoint, TimelineReport, VersionShare } from '../../model/report.ts'
import { colorStyle, plainStyle, width } from './text.ts'
import { renderTimeline } from './timeline.ts'

const [old, next] = ['web@4f9a1c2b', 'web@90ab12cd']
const none = { ready: 0, starting: 0, warm: 0, leaving: 0, share: 0 }

function share(version: string, figures: Partial<VersionShare>): VersionShare {
  return { version, ...none, ...figures }
}

const points: readonly TimelinePoint[] = [
  { atMs: 0, events: [], ready: 3, versions: [share(old, { ready: 3, share: 1 })] },
  {
    atMs: 0,
    events: [{ kind: 'started', message: '1 instance of 90ab12cd is started' }],
    ready: 3,
    versions: [share(old, { ready: 3, share: 1 }), share(next, { starting: 1 })],
  },
  {
    atMs: 1_080,
    events: [
      { kind: 'ready', message: '1 instance of 90ab12cd is ready' },
      { kind: 'share', message: '5 % of the requests go to 90ab12cd, held for 1 m and 100 answers' },
    ],
    ready: 4,
    versions: [share(old, { ready: 3, share: 0.95 }), share(next, { ready: 1, share: 0.05 })],
  },
  {
    atMs: 61_080,
    events: [
      { kind: 'share', message: 'all requests go to 90ab12cd' },
      { kind: 'succeeded', message: 'done: 90ab12cd serves; 4f9a1c2b stays warm for 10 m' },
    ],
    ready: 3,
    versions: [share(old, { warm: 3 }), share(next, { ready: 3, share: 1 })],
  },
  {
    atMs: 661_080,
    events: [{ kind: 'leaving', message: '3 instances of 4f9a1c2b leave' }],
    ready: 3,
    versions: [share(old, { leaving: 3 }), share(next, { ready: 3, share: 1 })],
  },
  {
    atMs: 661_400,
    events: [{ kind: 'gone', message: '3 instances of 4f9a1c2b are gone' }],
    ready: 3,
    versions: [share(next, { ready: 3, share: 1 })],
  },
]

const web: ServiceTimeline = {
  service: 'web',
  from: old,
  to: next,
  strategy: 'canary',
  replicas: 3,
  floor: 3,
  durationMs: 61_080,
  outcome: 'succeeded',
  points,
  assumptions: [
    { what: 'start', ms: 1_080, basis: 'median of 5 starts observed' },
    { what: 'drain', ms: 320, basis: 'one drain observed' },
    { what: 'requests', basis: 'the answers that are needed are taken to come in time' },
  ],
}

const report = (changes: Partial<ServiceTimeline> = {}): TimelineReport => ({
  services: [{ ...web, ...changes }],
  durationMs: 61_080,
})

test('a timeline shows capacity and shares over time, what happens, and what that is based on', () => {
  expect(`${renderTimeline(report(), 80, plainStyle).join('\n')}\n`).toBe(`
  web  canary  4f9a1c2b → 90ab12cd  about 1 m 1 s
    time      now  0 s  1.1 s            1 m 1 s                   11 m 1 s
    ready     3─────────4────────────────3──────────────────────────────────────
    4f9a1c2b  ██████████▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇░░░░░░░░░░░░░░░░░░░░░░░░░░╌╌╌
    90ab12cd       ·····▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁███████████████████████████████████████

         0 s  1 instance of 90ab12cd is started
       1.1 s  1 instance of 90ab12cd is ready
              5 % of the requests go to 90ab12cd, held for 1 m and 100 answers
     1 m 1 s  all requests go to 90ab12cd
              done: 90ab12cd serves; 4f9a1c2b stays warm for 10 m
    11 m 1 s  3 instances of 4f9a1c2b leave
              3 instances of 4f9a1c2b are gone

    based on: start 1.1 s (median of 5 starts observed); drain 0.32 s (one drain
    observed); the answers that are needed are taken to come in time

▁ to █ share of the requests   ░ ready without any   · starting   ╌ leaving
`)
})

test.each([20, 60, 80, 120, 200])('nothing is wider than a terminal of %i columns', (columns) => {
  const widest = Math.max(...renderTimeline(report(), columns, colorStyle).map(width))
  expect(widest).toBeLessThanOrEqual(Math.max(76, columns))
})

test('colours add nothing else', () => {
  const uncoloured = renderTimeline(report(), 80, colorStyle).map(stripVTControlCharacters)
  expect(uncoloured).toEqual(renderTimeline(report(), 80, plainStyle))
})

test('what would be taken back says so first', () => {
  const [, headline] = renderTimeline(report({ outcome: 'aborted' }), 80, plainStyle)
  expect(headline).toBe('  web  canary  4f9a1c2b → 90ab12cd  would be taken back after 1 m 1 s')
})

test.each([
  [{ from: null }, 'canary  90ab12cd (new)'],
  [{ from: next }, 'canary  90ab12cd (same version)'],
])('where a rollout leads: %o', (changes, words) => {
  expect(renderTimeline(report(changes), 80, plainStyle)[1]).toBe(`  web  ${words}  about 1 m 1 s`)
})

test('of many events, those in the middle that only count instances are left out', () => {
  const many = Array.from({ length: 20 }, (_, index): TimelinePoint => {
    return { atMs: index * 1_000, ready: 3, versions: [], events: [{ kind: 'ready', message: `${index} are ready` }] }
  })
  const share5: TimelinePoint = { ...many[9]!, events: [{ kind: 'share', message: '5 %' }] }
  const lines = renderTimeline(report({ points: many.with(9, share5) }), 80, plainStyle)
  expect(lines.filter((line) => /ready$|more like|5 %/.test(line)).map((line) => line.trim())).toEqual([
    '0 s  0 are ready',
    '1 s  1 are ready',
    '2 s  2 are ready',
    '3 s  3 are ready',
    '4 s  4 are ready',
    '5 s  5 are ready',
    '… 3 more like these …',
    '9 s  5 %',
    '… 6 more like these …',
    '16 s  16 are ready',
    '17 s  17 are ready',
    '18 s  18 are ready',
    '19 s  19 are ready',
  ])
})

test('where nothing happens there is no picture', () => {
  expect(renderTimeline({ services: [], durationMs: 0 }, 80, plainStyle)).toEqual([])
})
