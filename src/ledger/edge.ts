/**
 * The right edge of a log: all that is needed to append to it.
 *
 * For each level it has the hashes, and for the last bundle the entries, that are not yet in a full tile.
 */
import { encodeBundle } from './bundle.ts'
import type { LedgerFile } from './ledger-files.ts'
import { type Hash, leafHash, treeHead } from './merkle.ts'
import { countAt, edgeOf, encodeTile, fullWidth, rootOf, type Tile, tilePath } from './tiles.ts'

export class Edge {
  readonly #levels: Hash[][]
  readonly #leaves: Uint8Array[]
  #size: number

  /** `levels` holds the hashes of level 0 first. */
  constructor(size = 0, leaves: readonly Uint8Array[] = [], levels: readonly (readonly Hash[])[] = []) {
    this.#size = size
    this.#leaves = [...leaves]
    this.#levels = levels.map((hashes) => [...hashes])
  }

  get size(): number {
    return this.#size
  }

  get root(): Hash {
    return rootOf(this.#levels)
  }

  copy(): Edge {
    return new Edge(this.#size, this.#leaves, this.#levels)
  }

  /** Answers the files that are full now. */
  append(leaf: Uint8Array): readonly LedgerFile[] {
    this.#size += 1
    this.#leaves.push(leaf)
    const hashes = this.#push(0, leafHash(leaf))
    return this.#leaves.length < fullWidth ? [] : [this.#bundleOf(this.#leaves.splice(0)), ...hashes]
  }

  /** The files of what is not yet full. */
  partialFiles(): readonly LedgerFile[] {
    return edgeOf(this.#size).map((tile) => ({ path: tilePath(tile), bytes: this.#bytesOf(tile) }))
  }

  #push(level: number, added: Hash): readonly LedgerFile[] {
    const hashes = (this.#levels[level] ??= [])
    hashes.push(added)
    if (hashes.length < fullWidth) return []
    const full = hashes.splice(0)
    return [{ path: this.#lastFull(level), bytes: encodeTile(full) }, ...this.#push(level + 1, treeHead(full))]
  }

  #bundleOf(leaves: readonly Uint8Array[]): LedgerFile {
    return { path: this.#lastFull('entries'), bytes: encodeBundle(leaves) }
  }

  /** The path of the tile that the last entry has filled. */
  #lastFull(level: Tile['level']): string {
    return tilePath({ level, index: countAt(level, this.#size) / fullWidth - 1, width: fullWidth })
  }

  #bytesOf({ level }: Tile): Uint8Array {
    return level === 'entries' ? encodeBundle(this.#leaves) : encodeTile(this.#levels[level] ?? [])
  }
}
