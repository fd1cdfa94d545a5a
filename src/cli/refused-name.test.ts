import { expect, test } from 'vitest'
import { type NamingOptions, refusedName } from './refused-name.ts'

test.each<[string | undefined, NamingOptions, ReturnType<typeof refusedName>]>([
  ['web@4f9a1c2b', {}, { kind: 'name', name: 'web@4f9a1c2b' }],
  ['sha256:4f9a1c2b91be', {}, { kind: 'name', name: 'sha256:4f9a1c2b91be' }],
  [undefined, { label: 'org.example.base=alpine=3' }, { kind: 'label', label: 'org.example.base', value: 'alpine=3' }],
  [undefined, { label: 'reviewed=' }, { kind: 'label', label: 'reviewed', value: '' }],
  [undefined, { base: 'debian:12' }, { kind: 'base', base: 'debian:12' }],
  [undefined, { package: 'openssl' }, { kind: 'package', name: 'openssl' }],
  [
    undefined,
    { package: 'openssl@3.0.11-1~deb12u2' },
    { kind: 'package', name: 'openssl', version: '3.0.11-1~deb12u2' },
  ],
  [undefined, { package: '@acme/web@1.2.0' }, { kind: 'package', name: '@acme/web', version: '1.2.0' }],
  [undefined, { package: '@acme/web' }, { kind: 'package', name: '@acme/web' }],
])('%j with %j is named', (what, options, name) => {
  expect(refusedName(what, options)).toEqual(name)
})

test.each<[string | undefined, NamingOptions, string]>([
  [undefined, {}, 'nothing is named'],
  ['web@4f9a1c2b', { label: 'a=b' }, 'web@4f9a1c2b and --label a=b are two things'],
  [undefined, { base: 'debian:12', package: 'openssl' }, '--base debian:12 and --package openssl are two things'],
  [undefined, { label: 'reviewed' }, `--label can't be "reviewed"`],
  [undefined, { label: '=x' }, `--label can't be "=x"`],
  [undefined, { package: 'open ssl' }, `--package can't be "open ssl"`],
  [undefined, { package: 'openssl@' }, `--package can't be "openssl@"`],
  ['', {}, 'nothing is named'],
])('%j with %j is refused', (what, options, message) => {
  expect(() => refusedName(what, options)).toThrow(expect.objectContaining({ code: 'USAGE', message }))
})
