/** Every entry of a ledger against the hash of it, and every tile of these against the level above. */
import type { Bundle } from './bundle.ts'
import { isFault } from './fault.ts'
import { parseEntry, prunedBefore } from './entry.ts'
import type { Findings } from './findings.ts'
import { equalBytes, type Hash, leafHash, treeHead } from './merkle.ts'
import type { TileSource } from './tile-source.ts'
import { firstLeaf, fullWidth, isPrunable, type Tile, tileAt, tilePath, tilesOfLevel } from './tiles.ts'
import type { Tree } from './tree.ts'

export interface EntriesResult {
  /** How many were read. */
  readonly entries: number
  readonly prunedBefore: number
}

/** A bundle, and the tile of its entries' hashes, as far as they are there. */
interface Stretch {
  readonly tile: Tile
  readonly bundle?: Bundle | undefined
  readonly hashes?: readonly Hash[] | undefined
}

/** A stretch with an entry that is wrong, at this offset. */
interface Found extends Stretch {
  readonly bundle: Bundle
  /** The hashes of the entries that the bundle holds. */
  readonly own: readonly Hash[]
  readonly wrong: number
}

/** Hears of every entry that is as it was logged. */
export type OnEntry = (value: Readonly<Record<string, unknown>>, index: number) => void

/** How many stretches are read while as many are checked. */
const readAhead = 8

export class EntriesCheck {
  readonly #source: TileSource
  readonly #tree: Tree
  readonly #findings: Findings
  readonly #size: number
  /** Whether what stands above the entries is what was signed, so that it is the entries that are wrong. */
  readonly #isTreeRight: boolean
  readonly #onEntry: OnEntry
  readonly #missing: Tile[] = []
  #entries = 0
  #prunedBefore = 0

  constructor(size: number, source: TileSource, tree: Tree, findings: Findings, onEntry: OnEntry) {
    this.#size = size
    this.#source = source
    this.#tree = tree
    this.#findings = findings
    this.#isTreeRight = !findings.has()
    this.#onEntry = onEntry
  }

  async run(onProgress: (entries: number) => void): Promise<EntriesResult> {
    const tiles = tilesOfLevel(0, this.#size)
    let next = this.#read(tiles)
    for (let stretches = await next; stretches.length > 0; stretches = await next) {
      next = this.#read(tiles)
      for (const stretch of stretches) this.#check(stretch)
      onProgress(this.#entries)
    }
    this.#judgeMissing()
    return { entries: this.#entries, prunedBefore: this.#prunedBefore }
  }

  async #read(tiles: Iterator<Tile>): Promise<readonly Stretch[]> {
    const some = Array.from({ length: readAhead }, () => tiles.next().value).filter((tile) => tile !== undefined)
    return Promise.all(some.map((tile) => this.#readStretch(tile)))
  }

  async #readStretch(tile: Tile): Promise<Stretch> {
    const bundleTile = tileAt('entries', tile.index, this.#size)
    const [bundle, hashes] = await Promise.all([this.#source.bundle(bundleTile), this.#source.hashes(tile)])
    if (bundle === 'missing') this.#missing.push(bundleTile)
    if (hashes === 'missing') this.#missing.push(tile)
    return {
      tile,
      ...(bundle !== 'missing' && { bundle }),
      ...(hashes !== 'missing' && { hashes }),
    }
  }

  #check({ tile, bundle, hashes }: Stretch): void {
    const fits = hashes === undefined || this.#fits(tile, hashes)
    if (bundle === undefined) return fits ? undefined : this.#addWrongTile(tile)
    const own = bundle.leaves.map(leafHash)
    this.#entries += Math.min(own.length, tile.width)
    const wrong = firstWrong(bundle, own, hashes, tile.width)
    if (wrong !== undefined) this.#addWrongEntry({ tile, bundle, own, hashes, wrong })
    else if (!fits || (hashes === undefined && !this.#fits(tile, own))) return this.#addWrongTile(tile)
    if (fits) bundle.leaves.slice(0, wrong).forEach((leaf, offset) => this.#readEntry(leaf, firstLeaf(tile) + offset))
  }

  /** Whether the level above, or the root, is made from these hashes; true where there is nothing to compare with. */
  #fits(tile: Tile, hashes: readonly Hash[]): boolean {
    if (tile.width < fullWidth) return this.#tree.hasRoot(hashes)
    const head = this.#tree.headOf(0, tile.index)
    return head === undefined || equalBytes(treeHead(hashes), head)
  }

  #readEntry(leaf: Uint8Array, index: number): void {
    const entry = parseEntry(leaf)
    if (isFault(entry)) return this.#findings.add('form', `entry ${index} ${entry.fault}`, index)
    this.#onEntry(entry.value, index)
    const before = prunedBefore(entry) ?? 0
    if (before <= index) this.#prunedBefore = Math.max(this.#prunedBefore, before)
  }

  #addWrongEntry({ tile, bundle, own, hashes, wrong }: Found): void {
    const index = firstLeaf(tile) + wrong
    const bundlePath = tilePath({ ...tile, level: 'entries' })
    if (wrong === tile.width)
      return this.#findings.add('entry', `${bundlePath} goes on after entry ${index - 1}`, index - 1)
    if (wrong === own.length)
      return this.#findings.add('entry', `${bundlePath} ends before the whole of entry ${index}`, index)
    const isTileWrong = bundle.isWhole && own.length === tile.width && this.#fits(tile, own) && hashes !== undefined
    if (isTileWrong && !this.#fits(tile, hashes))
      return this.#findings.add('tile', `${tilePath(tile)} does not have the hash of entry ${index}`, index)
    this.#findings.add('entry', `entry ${index} is not the one that was logged`, index)
  }

  /** A partial tile that does not fit is left to the comparison of the roots. */
  #addWrongTile(tile: Tile): void {
    if (tile.width < fullWidth) return
    const first = firstLeaf(tile)
    const entries = `entries ${first} to ${first + fullWidth - 1}`
    if (this.#isTreeRight) this.#findings.add('entry', `not all ${entries} are those that were logged`, first)
    else this.#findings.add('tile', `${tilePath(tile)} does not fit the level above it: one of them was changed`, first)
  }

  #judgeMissing(): void {
    for (const tile of this.#missing)
      if (!isPrunable(tile, this.#prunedBefore))
        this.#findings.add('missing', `${tilePath(tile)} is missing`, firstLeaf(tile))
  }
}

/** The offset of the first entry that is not as its tile has it; undefined where all are. */
function firstWrong(
  bundle: Bundle,
  own: readonly Hash[],
  hashes: Stretch['hashes'],
  width: number,
): number | undefined {
  const wrong = own.findIndex((hash, offset) => offset >= width || (hashes && !equalBytes(hash, hashes[offset]!)))
  if (wrong >= 0) return wrong
  if (own.length < width) return own.length
  return bundle.isWhole ? undefined : width
}
