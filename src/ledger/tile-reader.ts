/** Proofs and entries out of the files of a ledger, while its writer may go on. */
import { RepaveError } from '../errors.ts'
import { decodeBundle } from './bundle.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { type Hash, hashBytes, nodeHash, treeHead } from './merkle.ts'
import type { Range } from './proof.ts'
import { decodeTile, fullWidth, parseTilePath, type Tile, tileAt, tilePath } from './tiles.ts'

/** Leaves that are one node of the tree: as many as a power of two, from a multiple of that on. */
interface Subtree {
  readonly start: number
  readonly height: number
}

/** A tile spans this many levels of the tree. */
const tileHeight = Math.log2(fullWidth)

const attempts = 3

/** Reads a log as it was at `size`, from files that are of that size or later. */
export class TileReader {
  readonly #files: LedgerFiles
  readonly #size: number
  readonly #tiles = new Map<string, Promise<readonly Hash[]>>()

  constructor(files: LedgerFiles, size: number) {
    this.#files = files
    this.#size = size
  }

  /** The heads of the ranges of a path; throws LEDGER_INVALID where tiles are missing. */
  async proof(path: readonly Range[]): Promise<readonly Hash[]> {
    return Promise.all(path.map((range) => this.#headOf(range)))
  }

  /** Throws LEDGER_INVALID where it is missing. */
  async entry(index: number): Promise<Uint8Array> {
    const tile = tileAt('entries', Math.floor(index / fullWidth), this.#size)
    const { leaves } = decodeBundle(await this.#read(tile))
    const leaf = leaves[index % fullWidth]
    if (leaf === undefined) throw missing(tilePath(tile))
    return leaf
  }

  async #headOf(range: Range): Promise<Hash> {
    const heads = await Promise.all(subtreesOf(range).map((subtree) => this.#subtreeHead(subtree)))
    return heads.reduceRight((right, left) => nodeHash(left, right))
  }

  async #subtreeHead({ start, height }: Subtree): Promise<Hash> {
    const level = Math.floor(height / tileHeight)
    const first = start / fullWidth ** level
    const hashes = await this.#hashes(tileAt(level, Math.floor(first / fullWidth), this.#size))
    const offset = first % fullWidth
    return treeHead(hashes.slice(offset, offset + 2 ** (height % tileHeight)))
  }

  #hashes(tile: Tile): Promise<readonly Hash[]> {
    const path = tilePath(tile)
    const known = this.#tiles.get(path) ?? this.#readHashes(tile)
    this.#tiles.set(path, known)
    return known
  }

  async #readHashes(tile: Tile): Promise<readonly Hash[]> {
    const bytes = await this.#read(tile)
    const hashes = decodeTile(bytes.subarray(0, tile.width * hashBytes), tile.width)
    if (hashes === undefined) throw missing(tilePath(tile))
    return hashes
  }

  /** A tile that a writer has replaced is the beginning of a wider one, which it may replace as well. */
  async #read(tile: Tile): Promise<Uint8Array> {
    for (let attempt = 1; attempt <= attempts; attempt++)
      for (const path of [tilePath(tile), ...(await this.#wider(tile))]) {
        const bytes = await this.#files.read(path)
        if (bytes !== undefined) return bytes
      }
    throw missing(tilePath(tile))
  }

  async #wider(tile: Tile): Promise<readonly string[]> {
    const full = tilePath({ ...tile, width: fullWidth })
    const partial = await this.#files.list(`${full}.p`)
    return [full, ...partial.filter((path) => (parseTilePath(path)?.width ?? 0) > tile.width)]
  }
}

/** A range of a proof's path as the nodes that it consists of, each smaller than the one before. */
function subtreesOf({ start, end }: Range): readonly Subtree[] {
  const subtrees: Subtree[] = []
  for (let at = start; at < end; at += 2 ** subtrees.at(-1)!.height)
    subtrees.push({ start: at, height: Math.floor(Math.log2(end - at)) })
  return subtrees
}

function missing(path: string): RepaveError {
  return new RepaveError('LEDGER_INVALID', `${path} is missing or not whole`, {
    hint: 'it may have been pruned: take a copy of the ledger that has it; `repave ledger verify` says whether it should be there',
  })
}
