/** A ledger as it is at one moment, while its writer may go on: the checkpoint, and what will be replaced. */
import type { Clock } from '../system/clock.ts'
import { type Checkpoint, checkpointPath, openCheckpoint } from './checkpoint.ts'
import { decodeText } from './encoding.ts'
import { type Fault, isFault } from './fault.ts'
import type { VerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { edgeOf, tilePath, tilesOf } from './tiles.ts'

export interface Snapshot {
  readonly checkpoint: Checkpoint
  /** The partial files by their path; all others never change. */
  readonly edge: ReadonlyMap<string, Uint8Array>
  /** Paths below `tile/` that the checkpoint has no use for. */
  readonly surplus: readonly string[]
}

/** A writer takes a moment from the first tile to the removal of what it replaced. */
const attempts = 5
const pauseMs = 100

/** What is out of place is looked at again after a moment: a writer may be at work. */
export async function takeSnapshot(
  files: LedgerFiles,
  key: VerifierKey<'log'>,
  clock: Pick<Clock, 'sleep'>,
): Promise<Snapshot | Fault> {
  for (let attempt = 1; ; attempt++) {
    const snapshot = await look(files, key)
    if (isFault(snapshot) || attempt === attempts || isSettled(snapshot)) return snapshot
    await clock.sleep(pauseMs)
  }
}

async function look(files: LedgerFiles, key: VerifierKey<'log'>): Promise<Snapshot | Fault> {
  const bytes = await files.read(checkpointPath)
  if (bytes === undefined) return { fault: 'is missing' }
  const text = decodeText(bytes)
  const checkpoint = text === undefined ? { fault: 'is not UTF-8 text' } : openCheckpoint(text, key)
  if (isFault(checkpoint)) return checkpoint
  const edge = await readEdgeFiles(files, checkpoint.size)
  const known = new Set(tilesOf(checkpoint.size).map(tilePath))
  const surplus = (await files.list('tile')).filter((path) => !known.has(path))
  return { checkpoint, edge, surplus }
}

async function readEdgeFiles(files: LedgerFiles, size: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const edge = new Map<string, Uint8Array>()
  for (const path of edgeOf(size).map(tilePath)) {
    const bytes = await files.read(path)
    if (bytes !== undefined) edge.set(path, bytes)
  }
  return edge
}

function isSettled({ checkpoint, edge, surplus }: Snapshot): boolean {
  return surplus.length === 0 && edge.size === edgeOf(checkpoint.size).length
}
