/** The files of a log: which there are, where, and what is in them. Layout: c2sp.org/tlog-tiles. */
import { type Hash, hashBytes, treeHead } from './merkle.ts'

/** How many hashes a full tile holds, and how many entries a full bundle. */
export const fullWidth = 256

/** Hashes of one level of the tree, or a bundle of entries. */
export interface Tile {
  /** Level 0 holds hashes of leaves; each level above, the heads of full tiles of the one below. */
  readonly level: number | 'entries'
  /** Counts within the level. */
  readonly index: number
  /** 1 to 256; a tile that is not full is partial. */
  readonly width: number
}

/** `tile/0/x001/234`, with `.p/17` for a partial tile of 17. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${indexPath(index)}${width === fullWidth ? '' : `.p/${width}`}`
}

/** The tile whose path this is; undefined for a path that no tile has. */
export function parseTilePath(path: string): Tile | undefined {
  const [, kind = '', groups = '', width = String(fullWidth)] =
    /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? []
  const level: Tile['level'] = kind === 'entries' ? kind : Number(kind)
  const tile: Tile = { level, index: Number(groups.replaceAll(/[x/]/g, '')), width: Number(width) }
  return tilePath(tile) === path ? tile : undefined
}

/** The index of the first leaf that a tile is about. */
export function firstLeaf({ level, index }: Pick<Tile, 'level' | 'index'>): number {
  return index * leavesEach(level) * fullWidth
}

/** Every tile and bundle of a log of `size` entries, those of a level in order. */
export function* tilesOf(size: number): Generator<Tile> {
  for (const level of levelsOf(size)) yield* tilesOfLevel(level, size)
}

export function* tilesOfLevel(level: Tile['level'], size: number): Generator<Tile> {
  const count = countAt(level, size)
  for (let index = 0; index * fullWidth < count; index++) yield tileAt(level, index, size)
}

/** The partial tiles and the partial bundle of a log of `size` entries. */
export function edgeOf(size: number): readonly Tile[] {
  const last = levelsOf(size).map((level) => tileAt(level, Math.floor(countAt(level, size) / fullWidth), size))
  return last.filter(({ width }) => width > 0)
}

/** The tile as wide as it is in a log of `size` entries. */
export function tileAt(level: Tile['level'], index: number, size: number): Tile {
  return { level, index, width: Math.min(fullWidth, countAt(level, size) - index * fullWidth) }
}

/** Whether a log of `size` entries has no partial tile of this width. */
export function isLeftover({ level, index, width }: Tile, size: number): boolean {
  return width < fullWidth && width !== tileAt(level, index, size).width
}

/** Whether a partial tile has become a wider one in a log of `size` entries. */
export function isObsolete({ level, index, width }: Tile, size: number): boolean {
  return width < tileAt(level, index, size).width
}

/** Whether the level above can stand for a tile or bundle when all entries below `beforeIndex` may go. */
export function isPrunable(tile: Tile, beforeIndex: number): boolean {
  const isDetail = tile.level === 'entries' || tile.level === 0
  return isDetail && firstLeaf(tile) + fullWidth <= beforeIndex
}

/** How many hashes, or entries, a level has; only full tiles of the level below count. */
export function countAt(level: Tile['level'], size: number): number {
  return Math.floor(size / leavesEach(level))
}

/** The bundles first, then the levels of hashes from below. */
export function levelsOf(size: number): readonly Tile['level'][] {
  const levels: Tile['level'][] = ['entries']
  for (let level = 0; countAt(level, size) > 0; level++) levels.push(level)
  return levels
}

/** The root over the hashes of the partial tiles, from level 0 upwards; a level whose last tile is full has none. */
export function rootOf(edge: readonly (readonly Hash[])[]): Hash {
  let rest: readonly Hash[] = []
  for (const hashes of edge) if (hashes.length > 0) rest = [treeHead([...hashes, ...rest])]
  return treeHead(rest)
}

export function encodeTile(hashes: readonly Hash[]): Uint8Array {
  return Buffer.concat(hashes)
}

/** Undefined where `bytes` are not `width` hashes. */
export function decodeTile(bytes: Uint8Array, width: number): readonly Hash[] | undefined {
  if (bytes.length !== width * hashBytes) return undefined
  return Array.from({ length: width }, (_, index) => bytes.subarray(index * hashBytes, (index + 1) * hashBytes))
}

function leavesEach(level: Tile['level']): number {
  return level === 'entries' ? 1 : fullWidth ** level
}

/** 1234067 as `x001/x234/067`. */
function indexPath(index: number): string {
  const groups = [threeDigits(index)]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${threeDigits(rest)}`)
  return groups.join('/')
}

function threeDigits(count: number): string {
  return String(count % 1000).padStart(3, '0')
}
