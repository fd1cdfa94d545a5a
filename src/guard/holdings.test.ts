import { describe, expect, test } from 'vitest'
import type { ImageDescription } from '../model/image-description.ts'
import type { RefusedBase, RefusedPackage } from '../model/refusal.ts'
import { holdingOf, wholeReference } from './holdings.ts'

const image: ImageDescription = {
  digest: 'sha256:1111',
  manifests: ['sha256:aaaa'],
  layers: ['a', 'b'],
  packages: [
    { type: 'deb', name: 'openssl', version: '3.0.11-1' },
    { type: 'npm', name: 'openssl', version: '2.0.0' },
  ],
  isDescribed: true,
}
const undescribed: ImageDescription = { ...image, packages: [], isDescribed: false }
const aPackage: RefusedPackage = { kind: 'package', name: 'openssl', found: {} }
const aBase: RefusedBase = { kind: 'base', base: 'debian:12', digests: ['sha256:dddd'], layers: ['a'], found: {} }

describe('a package', () => {
  test.each<[string, RefusedPackage, string]>([
    ['of any version', aPackage, 'openssl 3.0.11-1 (deb)'],
    ['of one version', { ...aPackage, version: '2.0.0' }, 'openssl 2.0.0 (npm)'],
  ])('%s is held', (_, refused, what) => {
    expect(holdingOf(image, refused)).toEqual({ kind: 'holds', what })
  })

  test.each<[string, RefusedPackage]>([
    ['another version of it', { ...aPackage, version: '3.0.11' }],
    ['the beginning of its name', { ...aPackage, name: 'open' }],
  ])('is not held where %s is refused', (_, refused) => {
    expect(holdingOf(image, refused)).toEqual({ kind: 'free' })
  })

  test('of an image that lists none is unknown', () => {
    expect(holdingOf(undescribed, aPackage)).toEqual({ kind: 'unknown', why: 'nothing in it lists its packages' })
  })
})

describe('a base', () => {
  test.each<[string, ImageDescription, RefusedBase]>([
    ['its layers are the first ones', image, aBase],
    ['it is the image itself', image, { ...aBase, layers: ['a', 'b'] }],
    ['it is the image by the digest of a registry', image, { ...aBase, layers: [], digests: ['sha256:aaaa'] }],
    ['the labels name its digest', { ...image, base: { digest: 'sha256:dddd' } }, { ...aBase, layers: [] }],
    ['the labels name it', { ...image, base: { name: 'docker.io/library/debian:12' } }, { ...aBase, layers: [] }],
  ])('is held where %s', (_, described, refused) => {
    expect(holdingOf(described, refused)).toMatchObject({ kind: 'holds' })
  })

  test.each<[string, ImageDescription, RefusedBase]>([
    ['its layers come later', image, { ...aBase, layers: ['b'] }],
    ['it has more layers', image, { ...aBase, layers: ['a', 'b', 'c'] }],
    ['the labels name another', { ...image, base: { name: 'debian:11' } }, { ...aBase, layers: [] }],
  ])('is not held where %s', (_, described, refused) => {
    expect(holdingOf(described, refused)).toEqual({ kind: 'free' })
  })

  test('is unknown where neither labels nor the engine know it', () => {
    expect(holdingOf(image, { ...aBase, layers: [] })).toMatchObject({ kind: 'unknown' })
  })
})

test.each([
  ['debian', 'docker.io/library/debian:latest'],
  ['debian:12', 'docker.io/library/debian:12'],
  ['library/debian:12', 'docker.io/library/debian:12'],
  ['index.docker.io/library/debian:12', 'docker.io/library/debian:12'],
  ['acme/web', 'docker.io/acme/web:latest'],
  ['ghcr.io/acme/web:1', 'ghcr.io/acme/web:1'],
  ['localhost/web', 'localhost/web:latest'],
  ['localhost:5000/web', 'localhost:5000/web:latest'],
  ['debian@sha256:1111', 'docker.io/library/debian@sha256:1111'],
])('%s is %s', (short, whole) => {
  expect(wholeReference(short)).toBe(whole)
})
