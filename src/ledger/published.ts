/** What a ledger says that it holds, as its writer finds it when it starts. */
import { RepaveError } from '../errors.ts'
import { decodeBundle } from './bundle.ts'
import { type Checkpoint, checkpointPath, openCheckpoint } from './checkpoint.ts'
import { Edge } from './edge.ts'
import { decodeText } from './encoding.ts'
import { isFault } from './fault.ts'
import type { VerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { equalBytes, type Hash, leafHash } from './merkle.ts'
import { decodeTile, edgeOf, encodeTile, levelsOf, tilePath } from './tiles.ts'

/** Undefined where nothing is published yet; throws LEDGER_INVALID for a checkpoint that is not `key`'s own. */
export async function readCheckpoint(
  files: LedgerFiles,
  key: VerifierKey<'log'>,
  origin: string = key.name,
): Promise<Checkpoint | undefined> {
  const bytes = await files.read(checkpointPath)
  if (bytes === undefined) return undefined
  const text = decodeText(bytes)
  const checkpoint = text === undefined ? { fault: 'is not UTF-8 text' } : openCheckpoint(text, key, origin)
  if (isFault(checkpoint)) throw invalidLedger(`the checkpoint of ${origin} ${checkpoint.fault}`)
  return checkpoint
}

/** Throws LEDGER_INVALID where the files don't add up to the signed root. */
export async function readEdge(files: LedgerFiles, { origin, size, root }: Checkpoint): Promise<Edge> {
  const levels = await readLevels(files, size)
  const edge = new Edge(size, await readLeaves(files, size, levels[0] ?? []), levels)
  if (!equalBytes(edge.root, root))
    throw invalidLedger(`the tiles of ${origin} do not add up to the root of its checkpoint (${size} entries)`)
  return edge
}

async function readLevels(files: LedgerFiles, size: number): Promise<readonly (readonly Hash[])[]> {
  const partial = new Map(edgeOf(size).map((tile) => [tile.level, tile]))
  const levels = levelsOf(size).filter((level) => level !== 'entries')
  return Promise.all(
    levels.map(async (level) => {
      const tile = partial.get(level)
      if (tile === undefined) return []
      const hashes = decodeTile(await readPresent(files, tilePath(tile)), tile.width)
      if (hashes === undefined) throw invalidLedger(`${tilePath(tile)} is not ${tile.width} hashes`)
      return hashes
    }),
  )
}

async function readLeaves(files: LedgerFiles, size: number, hashes: readonly Hash[]): Promise<readonly Uint8Array[]> {
  const tile = edgeOf(size).find(({ level }) => level === 'entries')
  if (tile === undefined) return []
  const path = tilePath(tile)
  const { leaves, isWhole } = decodeBundle(await readPresent(files, path))
  const isRight = isWhole && equalBytes(encodeTile(leaves.map(leafHash)), encodeTile(hashes))
  if (isRight) return leaves
  throw invalidLedger(`${path} does not hold the entries that were published`)
}

async function readPresent(files: LedgerFiles, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path)
  if (bytes === undefined) throw invalidLedger(`${path} is missing`)
  return bytes
}

export function invalidLedger(message: string): RepaveError {
  return new RepaveError('LEDGER_INVALID', message, {
    hint: 'the ledger was changed from outside: `repave ledger verify` says where; bring it back from a copy',
  })
}
