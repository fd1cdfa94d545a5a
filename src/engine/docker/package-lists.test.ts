import { describe, expect, test } from 'vitest'
import { alpinePackages, debianPackages, listedPackages } from './package-lists.ts'

test('dpkg lists what is installed, and not what was removed', () => {
  const status = `Package: libssl3
Status: install ok installed
Description: Secure Sockets Layer toolkit
 Package: is no field here
Version: 3.0.11-1~deb12u2

Package: nginx
Status: deinstall ok config-files
Config-Version: 1.22

Package: base-files
Version: 12.4
`
  expect(debianPackages(status)).toEqual([
    { type: 'deb', name: 'libssl3', version: '3.0.11-1~deb12u2' },
    { type: 'deb', name: 'base-files', version: '12.4' },
  ])
})

test('apk lists name and version', () => {
  const installed = 'C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36.1-r5\n\n'
  expect(alpinePackages(installed)).toEqual([
    { type: 'apk', name: 'musl', version: '1.2.4-r2' },
    { type: 'apk', name: 'busybox', version: '1.36.1-r5' },
  ])
})

test('CycloneDX lists components, also those within others', () => {
  const bom = {
    bomFormat: 'CycloneDX',
    components: [
      {
        name: 'web',
        group: '@acme',
        version: '1.2.0',
        purl: 'pkg:npm/%40acme/web@1.2.0',
        components: [{ name: 'a', version: '1' }],
      },
      { type: 'file', name: '/etc/passwd' },
    ],
  }
  expect(listedPackages(JSON.stringify(bom)).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { type: 'npm', name: '@acme/web', version: '1.2.0' },
    { type: 'other', name: 'a', version: '1' },
  ])
})

test('SPDX lists packages with the type of their package URL', () => {
  const externalRefs = [{ referenceType: 'purl', referenceLocator: 'pkg:pypi/django@4.2' }]
  const bom = {
    spdxVersion: 'SPDX-2.3',
    packages: [{ name: 'django', versionInfo: '4.2', externalRefs }, { name: 'x' }],
  }
  expect(listedPackages(JSON.stringify(bom))).toEqual([
    { type: 'pypi', name: 'django', version: '4.2' },
    { type: 'other', name: 'x', version: 'unknown' },
  ])
})

describe('what is no list of packages is said to be none', () => {
  test.each<[string, (content: string) => unknown, string]>([
    ['no control file', debianPackages, '\u0000\u0001garbage'],
    ['a package without a version', debianPackages, 'Package: a\n'],
    ['a name without end', debianPackages, `Package: ${'a'.repeat(600)}\nVersion: 1\n`],
    ['no database of apk', alpinePackages, 'hello'],
    ['no JSON', listedPackages, '{'],
    ['other JSON', listedPackages, '{"components": []}'],
    ['components that are none', listedPackages, '{"bomFormat": "CycloneDX", "components": [1]}'],
    ['JSON without end', listedPackages, '['.repeat(200_000)],
    [
      'too many',
      listedPackages,
      `{"bomFormat": "CycloneDX", "components": [${'{"name": "a"},'.repeat(200_001)}{"name": "a"}]}`,
    ],
  ])('%s', (_, parse, content) => {
    expect(() => parse(content)).toThrow(Error)
  })
})
