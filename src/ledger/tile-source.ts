/** The tiles of a snapshot, as hashes and entries; what is wrong with a file becomes a finding. */
import { RepaveError } from '../errors.ts'
import { type Bundle, decodeBundle } from './bundle.ts'
import type { Findings } from './findings.ts'
import type { LedgerFiles } from './ledger-files.ts'
import type { Hash } from './merkle.ts'
import type { Snapshot } from './snapshot.ts'
import { decodeTile, firstLeaf, type Tile, tilePath } from './tiles.ts'

export class TileSource {
  readonly #files: LedgerFiles
  readonly #edge: Snapshot['edge']
  readonly #findings: Findings

  constructor(files: LedgerFiles, edge: Snapshot['edge'], findings: Findings) {
    this.#files = files
    this.#edge = edge
    this.#findings = findings
  }

  /** Undefined where the file is missing, for the caller to judge, or is no tile of this width. */
  async hashes(tile: Tile): Promise<readonly Hash[] | 'missing' | undefined> {
    const bytes = await this.#read(tile)
    if (bytes === undefined || bytes === 'missing') return bytes
    const hashes = decodeTile(bytes, tile.width)
    if (hashes === undefined)
      this.#findings.add('tile', `${tilePath(tile)} is not ${tile.width} hashes`, firstLeaf(tile))
    return hashes
  }

  async bundle(tile: Tile): Promise<Bundle | 'missing' | undefined> {
    const bytes = await this.#read(tile)
    return bytes === undefined || bytes === 'missing' ? bytes : decodeBundle(bytes)
  }

  async #read(tile: Tile): Promise<Uint8Array | 'missing' | undefined> {
    const path = tilePath(tile)
    try {
      return this.#edge.get(path) ?? (await this.#files.read(path)) ?? 'missing'
    } catch (error) {
      if (!(error instanceof RepaveError)) throw error
      this.#findings.add('unreadable', error.message, firstLeaf(tile))
      return undefined
    }
  }
}
