/** Whether a ledger is what its owner signed, to the last bit: from its files and a public key alone. */
import { type Clock, systemClock } from '../system/clock.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { type Cosignature, openCosignatures } from './cosignature.ts'
import { decodeText, toBase64 } from './encoding.ts'
import { isFault } from './fault.ts'
import { Findings } from './findings.ts'
import { parseVerifierKey, type VerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { equalBytes, type Hash, leafHash } from './merkle.ts'
import { publicKeyPath } from './public-key.ts'
import type { LedgerReport } from './report.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'
import { TileSource } from './tile-source.ts'
import { fullWidth, tileAt } from './tiles.ts'
import { Tree } from './tree.ts'
import { BlobCheck } from './verify-blobs.ts'
import { EntriesCheck } from './verify-entries.ts'

export interface VerifyOptions {
  /** The ledger's public key: `NAME+ID+KEY`; its name is the origin. */
  readonly key: string
  /** The text of a checkpoint from before, to prove that nothing since was rewritten or cut. */
  readonly earlier?: string
  /** Public keys of witnesses, each of whom has to have cosigned. */
  readonly witnesses?: readonly string[]
  readonly onProgress?: (progress: { readonly entries: number; readonly size: number }) => void
  readonly clock?: Pick<Clock, 'sleep'>
}

/** Throws USAGE for a key that is none; whatever is wrong with the ledger is in the report. */
export async function verifyLedger(files: LedgerFiles, options: VerifyOptions): Promise<LedgerReport> {
  const key = parseVerifierKey('log', options.key)
  const witnesses = (options.witnesses ?? []).map((witness) => parseVerifierKey('witness', witness))
  const snapshot = await takeSnapshot(files, key, options.clock ?? systemClock)
  if (isFault(snapshot)) return withoutCheckpoint(key, snapshot.fault)
  const { checkpoint } = snapshot
  const findings = new Findings()
  const source = new TileSource(files, snapshot.edge, findings)
  const tree = await Tree.read(checkpoint, source, findings)
  const read = { checkpoint, tree, source, findings }
  await checkRoot(read)
  const onProgress = (entries: number) => options.onProgress?.({ entries, size: checkpoint.size })
  const blobs = new BlobCheck(files, findings)
  const entries = new EntriesCheck(checkpoint.size, source, tree, findings, (value, index) => blobs.note(value, index))
  const result = await entries.run(onProgress)
  await blobs.run()
  if (options.earlier !== undefined) await checkEarlier(options.earlier, key, read)
  reportSurplus(snapshot, findings)
  await checkKey(files, options.key, findings)
  const cosignatures = checkWitnesses(checkpoint, witnesses, findings)
  return { ...headOf(checkpoint), ...result, cosignatures, ok: !findings.has(), problems: findings.list() }
}

function withoutCheckpoint({ name }: VerifierKey, fault: string): LedgerReport {
  const problems = [{ kind: 'checkpoint', message: `the checkpoint ${fault}` }] as const
  return { ok: false, origin: name, size: 0, root: '', entries: 0, prunedBefore: 0, cosignatures: [], problems }
}

function headOf({ origin, size, root }: Checkpoint): Pick<LedgerReport, 'origin' | 'size' | 'root'> {
  return { origin, size, root: toBase64(root) }
}

async function checkRoot({ checkpoint, tree, source, findings }: Read): Promise<void> {
  const { size } = checkpoint
  const last = await hashesAfterFullTiles(size, { checkpoint, source })
  if (last === undefined || tree.hasRoot(last)) return
  findings.add('root', `the tiles do not add up to the root that was signed for ${size} entries`)
}

interface Read {
  readonly checkpoint: Checkpoint
  readonly tree: Tree
  readonly source: TileSource
  readonly findings: Findings
}

async function checkEarlier(
  text: string,
  key: VerifierKey<'log'>,
  { checkpoint, tree, source, findings }: Read,
): Promise<void> {
  const earlier = openCheckpoint(text, key)
  if (isFault(earlier)) return findings.add('earlier', `the earlier checkpoint ${earlier.fault}`)
  const { size } = checkpoint
  if (earlier.size > size)
    return findings.add('truncated', `entries from ${size} on are gone: there were ${earlier.size}`, size)
  // With other problems, a root that differs would say nothing new.
  if (findings.has()) return
  const last = await hashesAfterFullTiles(earlier.size, { checkpoint, source })
  const root = last && tree.rootAt(earlier.size, last)
  if (root === undefined)
    return findings.add(
      'earlier',
      `the earlier checkpoint is of ${earlier.size} entries, in the midst of what was pruned`,
    )
  if (!equalBytes(root, earlier.root))
    findings.add(
      'fork',
      `the first ${earlier.size} entries are no longer those that the earlier checkpoint was signed for`,
    )
}

/** The hashes that the first `size` leaves have after their last full tile; undefined where they are gone. */
async function hashesAfterFullTiles(
  size: number,
  { checkpoint, source }: Pick<Read, 'checkpoint' | 'source'>,
): Promise<readonly Hash[] | undefined> {
  const count = size % fullWidth
  if (count === 0) return []
  const tile = tileAt(0, Math.floor(size / fullWidth), checkpoint.size)
  const hashes = await source.hashes(tile)
  if (hashes !== 'missing') return hashes?.slice(0, count)
  const bundle = await source.bundle({ ...tile, level: 'entries' })
  return bundle === 'missing' ? undefined : bundle?.leaves.slice(0, count).map(leafHash)
}

function reportSurplus({ surplus }: Snapshot, findings: Findings): void {
  for (const path of surplus) findings.add('surplus', `${path} is no file of this ledger`)
}

/** Who takes the key from the folder must not be given another one. */
async function checkKey(files: LedgerFiles, key: string, findings: Findings): Promise<void> {
  const bytes = await files.read(publicKeyPath)
  if (bytes !== undefined && decodeText(bytes) !== `${key}\n`)
    findings.add('key', `${publicKeyPath} is not the public key by which this is verified`)
}

function checkWitnesses(
  { note }: Checkpoint,
  witnesses: readonly VerifierKey<'witness'>[],
  findings: Findings,
): readonly Cosignature[] {
  const opened = witnesses.map((witness) => openCosignatures(note, [witness]))
  for (const result of opened) if (isFault(result)) findings.add('witness', `the checkpoint ${result.fault}`)
  return opened.flatMap((result) => (isFault(result) ? [] : result))
}
