import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBundle, encodeBundle } from './bundle.ts'
import { edgeOf, parseTilePath, tilePath, tilesOf } from './tiles.ts'

test.each([
  [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
  [{ level: 0, index: 1234, width: 17 }, 'tile/0/x001/234.p/17'],
  [{ level: 3, index: 1_234_067, width: 256 }, 'tile/3/x001/x234/067'],
  [{ level: 'entries', index: 999, width: 1 }, 'tile/entries/999.p/1'],
  [{ level: 'entries', index: 1000, width: 255 }, 'tile/entries/x001/000.p/255'],
] as const)('%j is at %s', (tile, path) => {
  expect(tilePath(tile)).toBe(path)
  expect(parseTilePath(path)).toEqual(tile)
})

test.each([
  'tile/0/0',
  'tile/00/000',
  'tile/0/001.p/256',
  'tile/0/001.p/0',
  'tile/0/x000/001',
  'tile/0/000/001',
  'tile',
])('%s is the path of no tile', (path) => {
  expect(parseTilePath(path)).toBeUndefined()
})

test('a log of 70,000 entries has the tiles that the specification counts', () => {
  const count = new Map<string, number>()
  for (const { level, width } of tilesOf(70_000)) {
    const name = `${level} ${width}`
    count.set(name, (count.get(name) ?? 0) + 1)
  }
  expect(Object.fromEntries(count)).toEqual({
    'entries 256': 273,
    'entries 112': 1,
    '0 256': 273,
    '0 112': 1,
    '1 256': 1,
    '1 17': 1,
    '2 1': 1,
  })
})

test('a log of 256 entries has a full tile and a partial one above it', () => {
  expect([...tilesOf(256)].map(tilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1'])
  expect(edgeOf(256).map(tilePath)).toEqual(['tile/1/000.p/1'])
  expect([...tilesOf(0)]).toEqual([])
})

test('a bundle is read as it was made', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 256 }), (leaves) => {
      const { leaves: read, isWhole } = decodeBundle(encodeBundle(leaves))
      expect(isWhole).toBe(true)
      expect(read.map((leaf) => [...leaf])).toEqual(leaves.map((leaf) => [...leaf]))
    }),
  )
})

test('a bundle that is cut has the entries before the cut', () => {
  const bundle = encodeBundle([Buffer.from('one'), Buffer.from('two')])
  expect(decodeBundle(bundle.subarray(0, 9))).toMatchObject({ leaves: [Buffer.from('one')], isWhole: false })
  expect(decodeBundle(bundle.subarray(0, 5))).toMatchObject({ isWhole: true })
  expect(decodeBundle(bundle.subarray(0, 1))).toMatchObject({ leaves: [], isWhole: false })
})

test('an entry has at most 65,535 bytes', () => {
  const [whole] = decodeBundle(encodeBundle([new Uint8Array(65_535)])).leaves
  expect(whole).toHaveLength(65_535)
  expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(
    expect.objectContaining({
      code: 'LEDGER_INVALID',
      message: 'an entry of 65536 bytes is more than a ledger can hold',
    }),
  )
})
