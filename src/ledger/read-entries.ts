/** The entries of a ledger, as its files have them; whether they are what was signed is for `verifyLedger` to say. */
import { decodeBundle } from './bundle.ts'
import { parseEntry } from './entry.ts'
import { isFault } from './fault.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { firstLeaf, tilePath, tilesOfLevel } from './tiles.ts'

export interface ReadEntry {
  readonly sequence: number
  readonly value: Readonly<Record<string, unknown>>
}

/** In order; those that are missing or no JSON objects are left out. */
export async function* readEntries(files: LedgerFiles, size: number): AsyncIterable<ReadEntry> {
  for (const tile of tilesOfLevel('entries', size)) {
    const bytes = await files.read(tilePath(tile))
    if (bytes === undefined) continue
    for (const [offset, leaf] of decodeBundle(bytes).leaves.entries()) {
      const entry = parseEntry(leaf)
      if (!isFault(entry)) yield { sequence: firstLeaf(tile) + offset, value: entry.value }
    }
  }
}
