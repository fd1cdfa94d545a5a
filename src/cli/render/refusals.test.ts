import { expect, test } from 'vitest'
import type { RefusalReport } from '../../model/report.ts'
import { renderVersions } from './history.ts'
import { renderLifted, renderRefusals, renderRefused } from './refusals.ts'
import { renderStatus } from './status.ts'
import { plainStyle } from './text.ts'

const nowMs = Date.parse('2026-11-24T08:00:00Z')
const refusal: RefusalReport = {
  id: 3,
  kind: 'version',
  what: 'web@4f9a1c2b',
  service: 'web',
  reason: 'it leaks',
  by: 'ada',
  at: '2026-11-24T07:59:00.000Z',
}
const image: RefusalReport = { ...refusal, id: 2, kind: 'image', what: 'sha256:1111', isRecall: true }
const lifted = { by: 'eve', reason: 'mended', at: '2026-11-24T07:59:30.000Z' }

test('refusals are a table, newest first', () => {
  const scope = { stack: 'shop', environment: 'default' }
  expect(renderRefusals({ ...scope, refusals: [] }, nowMs, plainStyle)).toEqual(['shop/default: nothing is refused'])
  expect(
    renderRefusals({ ...scope, refusals: [refusal, image, { ...refusal, id: 1, lifted }] }, nowMs, plainStyle),
  ).toEqual([
    'ID  WHAT               STATE     BY   WHEN     REASON',
    '3   web@4f9a1c2b       refused   ada  60s ago  it leaks',
    '2   image sha256:1111  recalled  ada  60s ago  it leaks',
    '1   web@4f9a1c2b       lifted    ada  60s ago  it leaks (lifted by eve: mended)',
  ])
})

test('a refusal says what runs on, and how that is replaced', () => {
  const report = { ok: true, changed: true, refusal, runs: ['web@4f9a1c2b'] } as const
  expect(renderRefused(report, plainStyle)).toEqual([
    'refused: web@4f9a1c2b (refusal 3)',
    '  web@4f9a1c2b runs, and no further instance is made',
    '  `repave recall` replaces what runs, `repave up` brings up another version',
  ])
  expect(renderRefused({ ...report, changed: false, runs: [] }, plainStyle)).toEqual([
    'nothing to do: web@4f9a1c2b is refused already (refusal 3, by ada: it leaks)',
  ])
})

test('a refusal of a package says which images could not be judged', () => {
  const openssl: RefusalReport = { ...image, kind: 'package', what: 'openssl@3.0.11-1' }
  const unjudged = [
    { image: `sha256:${'1'.repeat(64)}`, versions: ['api@1'], why: 'nothing lists its packages' },
  ] as const
  expect(renderRefused({ ok: true, changed: true, refusal: openssl, runs: [], unjudged }, plainStyle)).toEqual([
    'refused: package openssl@3.0.11-1 (refusal 2)',
    "  1 image can't be judged, and may run on:",
    '    sha256:111111111111 (api@1): nothing lists its packages',
  ])
})

test('what is lifted may still be refused by another', () => {
  const report = { ok: true, changed: true, refusal: { ...refusal, lifted }, others: [2, 5] } as const
  expect(renderLifted(report, plainStyle)).toEqual([
    'lifted: web@4f9a1c2b may run again (refusal 3)',
    '  still refused by 2, 5',
  ])
  expect(renderLifted({ ...report, changed: false, others: [] }, plainStyle)).toEqual([
    'nothing to do: refusal 3 of web@4f9a1c2b was lifted already',
  ])
})

test('status says why a fleet gets no further instance', () => {
  const service = { service: 'web', version: 'web@4f9a1c2b', desired: 3, ready: 2, serving: 2, instances: [], refusal }
  const controller = { pid: 1, socket: '/s' }
  const status = { stack: 'shop', environment: 'default', services: [service], routes: [], controller }
  expect(renderStatus(status, nowMs, plainStyle)).toContain(
    '    refused 60s ago by ada: it leaks (refusal 3); what runs serves on, and no further instance is made',
  )
})

test('a version that must not run says why', () => {
  const times = { firstRunAt: '2026-11-24T07:00:00Z', lastRunAt: '2026-11-24T07:00:00Z' }
  const version = {
    version: 'web@4f9a1c2b',
    image: 'web:1',
    digest: 'sha256:1111',
    ...times,
    state: 'refused',
    refusal,
  }
  expect(renderVersions([{ service: 'web', versions: [version] } as never], nowMs, plainStyle).at(-1)).toBe(
    'web@4f9a1c2b must not run: ada refused it at 2026-11-24T07:59:00.000Z (refusal 3): it leaks',
  )
})
