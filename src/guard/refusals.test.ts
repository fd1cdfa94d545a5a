import { expect, test } from 'vitest'
import type { FoundImages, Refusal } from '../model/refusal.ts'
import { defaultHardening, type VersionSpec } from '../model/version.ts'
import { refusalOf } from './refusals.ts'

const scope = { stack: 'shop', environment: 'production' }
const key = { ...scope, service: 'web' }
const spec: VersionSpec = {
  image: 'sha256:1111',
  command: ['/web'],
  workingDirectory: '/',
  environment: {},
  user: '1000',
  port: null,
  health: { kind: 'process', intervalMs: 1_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: [],
  hardening: defaultHardening,
}
const released = { version: 'a'.repeat(64), spec, labels: { team: 'shop' } }
const refusal: Refusal = {
  ...key,
  id: 1,
  what: { kind: 'version', version: released.version },
  reason: 'it leaks',
  by: 'ada',
  atMs: 1,
}
const { service: _service, ...everywhere } = refusal
const aPackage = (found: FoundImages) => ({ kind: 'package', name: 'openssl', found }) as const

test.each<[string, Refusal]>([
  ['its version', refusal],
  ['its version, for whichever service', everywhere],
  ['its image', { ...refusal, what: { kind: 'image', digest: 'sha256:1111' } }],
  ['a label of its image', { ...everywhere, what: { kind: 'label', label: 'team', value: 'shop' } }],
  ['a recall', { ...refusal, isRecall: true }],
  [
    'a package that its image was found to hold',
    { ...everywhere, what: aPackage({ 'sha256:1111': 'openssl 3 (deb)' }) },
  ],
])('%s is refused', (_, about) => {
  expect(refusalOf(key, released, [about])).toBe(about)
})

test.each<[string, Refusal]>([
  ['another version', { ...refusal, what: { kind: 'version', version: 'b'.repeat(64) } }],
  ['another image', { ...refusal, what: { kind: 'image', digest: 'sha256:2222' } }],
  ['another value of the label', { ...refusal, what: { kind: 'label', label: 'team', value: 'bank' } }],
  ['a label that only every object has', { ...refusal, what: { kind: 'label', label: 'constructor', value: 'shop' } }],
  ['a package that another image holds', { ...everywhere, what: aPackage({ 'sha256:2222': 'openssl 3 (deb)' }) }],
  ['another service', { ...refusal, service: 'api' }],
  ['another environment', { ...refusal, environment: 'staging' }],
  ['another stack', { ...everywhere, stack: 'bank' }],
  ['what was lifted', { ...refusal, lifted: { by: 'ada', reason: 'mended', atMs: 2 } }],
])('a refusal of %s does not count', (_, about) => {
  expect(refusalOf(key, released, [about])).toBeUndefined()
})

test('the first that counts is told', () => {
  const lifted = { ...refusal, lifted: { by: 'ada', reason: 'mended', atMs: 2 } }
  expect(refusalOf(key, released, [lifted, { ...refusal, id: 2 }, { ...refusal, id: 3 }])?.id).toBe(2)
})

test('an image whose labels nobody knows has none', () => {
  const { labels: _labels, ...unlabelled } = released
  const about: Refusal = { ...refusal, what: { kind: 'label', label: 'team', value: 'shop' } }
  expect(refusalOf(key, unlabelled, [about])).toBeUndefined()
})
