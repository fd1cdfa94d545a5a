import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { leafHash, treeHead } from './merkle.ts'
import { consistencyPath, extendsTree, includes, inclusionPath, type Range } from './proof.ts'

const greatestSize = 300
const hashes = Array.from({ length: greatestSize }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)))
const heads = Array.from({ length: greatestSize + 1 }, (_, size) => treeHead(hashes.slice(0, size)))
const headAt = (size: number) => ({ size, root: heads[size]! })
const leafAt = (index: number) => ({ index, hash: hashes[index]! })
const known = new Map<string, Uint8Array>()
const headsOf = (path: readonly Range[]) => path.map(headOf)

function headOf({ start, end }: Range): Uint8Array {
  const name = `${start}-${end}`
  const head = known.get(name) ?? treeHead(hashes.slice(start, end))
  known.set(name, head)
  return head
}

test('each leaf of each tree up to 300 leaves is proven to be in it', () => {
  for (let size = 1; size <= greatestSize; size++)
    for (let index = 0; index < size; index++) {
      const proof = headsOf(inclusionPath(index, size))
      if (!includes(heads[size]!, size, leafAt(index), proof)) expect.fail(`leaf ${index} of ${size}`)
    }
})

test('each tree up to 300 leaves is proven to begin with each smaller one', () => {
  for (let size = 0; size <= greatestSize; size++)
    for (let earlier = 0; earlier <= size; earlier++) {
      const proof = headsOf(consistencyPath(earlier, size))
      if (!extendsTree(headAt(earlier), headAt(size), proof)) expect.fail(`${earlier} of ${size}`)
    }
})

const sizeAndIndex = fc
  .integer({ min: 2, max: greatestSize })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }))

test('a proof for another leaf, tree or root, or one that is cut, grown or changed, proves nothing', () => {
  fc.assert(
    fc.property(sizeAndIndex, fc.nat(), fc.integer({ min: 1, max: greatestSize }), ({ size, index }, chance, other) => {
      const proof = headsOf(inclusionPath(index, size))
      const root = heads[size]!
      const changed = proof.with(
        chance % proof.length,
        hashes[0]!.map((byte) => byte ^ 1),
      )
      for (const bad of [proof.slice(1), proof.slice(0, -1), [...proof, root], changed])
        expect(includes(root, size, leafAt(index), bad)).toBe(false)
      expect(includes(root, size, { index: (index + 1) % size, hash: hashes[index]! }, proof)).toBe(false)
      expect(includes(root, size, { index: size, hash: hashes[index]! }, proof)).toBe(false)
      if (other !== size) expect(includes(heads[other]!, size, leafAt(index), proof)).toBe(false)
    }),
  )
})

test('a proof of consistency with another tree, or one that is cut, grown or changed, proves nothing', () => {
  fc.assert(
    fc.property(sizeAndIndex, fc.nat(), ({ size, index: earlier }, chance) => {
      if (earlier === 0) return
      const proof = headsOf(consistencyPath(earlier, size))
      const changed = proof.with(
        chance % proof.length,
        hashes[0]!.map((byte) => byte ^ 1),
      )
      for (const bad of [proof.slice(1), proof.slice(0, -1), [...proof, heads[size]!], changed])
        expect(extendsTree(headAt(earlier), headAt(size), bad)).toBe(false)
      expect(extendsTree({ size: earlier, root: heads[earlier - 1]! }, headAt(size), proof)).toBe(false)
      expect(extendsTree(headAt(size), headAt(earlier), proof)).toBe(false)
    }),
  )
})

test('trees of one size are consistent only when they are one', () => {
  expect(extendsTree(headAt(7), { size: 7, root: heads[6]! }, [])).toBe(false)
  expect(extendsTree(headAt(7), headAt(7), [heads[1]!])).toBe(false)
  expect(extendsTree(headAt(0), headAt(7), [heads[1]!])).toBe(false)
})
