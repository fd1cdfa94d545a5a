import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical.ts'
import { defaultHardening, type VersionSpec, versionId } from './version.ts'

const spec: VersionSpec = {
  image: 'sha256:1111',
  command: ['/web', '--port', '8080'],
  workingDirectory: '/',
  environment: { B: '2', A: '1' },
  user: '1000',
  port: 8080,
  health: { kind: 'tcp', intervalMs: 1_000, timeoutMs: 1_000, healthyAfter: 1, unhealthyAfter: 3 },
  resources: { cpuMillis: 500, memoryBytes: 1 << 27, pids: 64 },
  tmpfs: ['/tmp'],
  hardening: defaultHardening,
}

test('a version is named by the SHA-256 of its canonical form', () => {
  const text =
    '{"command":["/web","--port","8080"],"environment":{"A":"1","B":"2"},' +
    '"hardening":{"capabilities":[],"noNewPrivileges":true,"readOnlyRoot":true},' +
    '"health":{"healthyAfter":1,"intervalMs":1000,"kind":"tcp","timeoutMs":1000,"unhealthyAfter":3},' +
    '"image":"sha256:1111","port":8080,"resources":{"cpuMillis":500,"memoryBytes":134217728,"pids":64},' +
    '"tmpfs":["/tmp"],"user":"1000","workingDirectory":"/"}'
  expect(canonicalJson(spec)).toBe(text)
  expect(versionId(spec)).toBe(createHash('sha256').update(text).digest('hex'))
})

test('one changed byte is another version; the order of keys is none', () => {
  expect(versionId({ ...spec, user: '1001' })).not.toBe(versionId(spec))
  const reversed = Object.fromEntries(Object.entries(spec).toReversed()) as unknown as VersionSpec
  expect(versionId(reversed)).toBe(versionId(spec))
})

test('canonical JSON reads back as the value it was made of', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test.each([
  ['NaN', { a: Number.NaN }],
  ['infinity', [Infinity]],
  ['undefined', { a: undefined }],
  ['a Map', new Map()],
  ['a date', new Date(0)],
  ['a lone surrogate', { a: '\ud800' }],
  ['a lone surrogate in a key', { '\ud800': 1 }],
])('%s has no canonical form, and is not silently dropped', (_name, value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError)
})
