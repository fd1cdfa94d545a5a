/** Receipts: the proof that one entry is on the record, for those who have the public key alone. Format: c2sp.org/tlog-proof. */
import { RepaveError } from '../errors.ts'
import { type Checkpoint, formatCheckpoint, openCheckpoint } from './checkpoint.ts'
import { type Cosignature, openCosignatures } from './cosignature.ts'
import { fromBase64, hashFromBase64, parseCount, toBase64 } from './encoding.ts'
import { type Fault, isFault } from './fault.ts'
import { parseVerifierKey } from './key.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { type Hash, leafHash } from './merkle.ts'
import { includes, inclusionPath } from './proof.ts'
import { TileReader } from './tile-reader.ts'

export interface CheckedReceipt {
  readonly index: number
  readonly entry: Uint8Array
  readonly checkpoint: Checkpoint
  /** One for each witness that was asked for. */
  readonly cosignatures: readonly Cosignature[]
}

/** A receipt before anything in it is trusted. */
interface Receipt {
  readonly index: number
  readonly entry: Uint8Array
  readonly proof: readonly Hash[]
  readonly checkpoint: string
}

const title = 'c2sp.org/tlog-proof@v1'

/**
 * The receipt for the entry at `index`, with the entry itself as its extra data. Throws LEDGER_BEHIND for an index
 * that the checkpoint does not reach, and LEDGER_INVALID where the files don't have what proves it.
 */
export async function makeReceipt(files: LedgerFiles, checkpoint: Checkpoint, index: number): Promise<string> {
  const { origin, size, root } = checkpoint
  if (index >= size) throw notYet(origin, size, index)
  const reader = new TileReader(files, size)
  const [entry, proof] = await Promise.all([reader.entry(index), reader.proof(inclusionPath(index, size))])
  if (!includes(root, size, { index, hash: leafHash(entry) }, proof)) throw unproven(origin, index)
  return formatReceipt({ index, entry, proof, checkpoint: formatCheckpoint(checkpoint) })
}

/**
 * Throws RECEIPT_INVALID unless `text` proves that the log of `key` has the entry, and that each of `witnesses` has
 * seen that; keys are in their text form.
 */
export function checkReceipt(
  text: string,
  options: { readonly key: string; readonly witnesses?: readonly string[] },
): CheckedReceipt {
  const key = parseVerifierKey('log', options.key)
  const witnesses = (options.witnesses ?? []).map((witness) => parseVerifierKey('witness', witness))
  const { index, entry, proof, checkpoint: content } = orInvalid(parseReceipt(text), 'the receipt')
  const checkpoint = orInvalid(openCheckpoint(content, key), 'the checkpoint of the receipt')
  const cosignatures = orInvalid(openCosignatures(checkpoint.note, witnesses), 'the checkpoint of the receipt')
  if (!includes(checkpoint.root, checkpoint.size, { index, hash: leafHash(entry) }, proof))
    throw invalidReceipt(`the receipt does not prove that this entry is number ${index} of ${checkpoint.origin}`)
  return { index, entry, checkpoint, cosignatures }
}

function formatReceipt({ index, entry, proof, checkpoint }: Receipt): string {
  const hashes = proof.map((hash) => `${toBase64(hash)}\n`).join('')
  return `${title}\nextra ${toBase64(entry)}\nindex ${index}\n${hashes}\n${checkpoint}`
}

function parseReceipt(text: string): Receipt | Fault {
  const end = text.indexOf('\n\n')
  const [first, extra = '', counted = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\n')
  if (first !== title) return { fault: `does not begin with ${title}` }
  const entry = extra.startsWith('extra ') ? fromBase64(extra.slice(6)) : undefined
  const index = counted.startsWith('index ') ? parseCount(counted.slice(6)) : undefined
  const proof = lines.map(hashFromBase64)
  if (entry === undefined) return { fault: 'does not have the entry as its extra data' }
  if (index === undefined || !proof.every((hash) => hash !== undefined)) return { fault: 'has a malformed proof' }
  return { index, entry, proof, checkpoint: text.slice(end + 2) }
}

function orInvalid<T extends object>(result: T | Fault, name: string): T {
  if (isFault(result)) throw invalidReceipt(`${name} ${result.fault}`)
  return result
}

function invalidReceipt(message: string): RepaveError {
  return new RepaveError('RECEIPT_INVALID', message, {
    hint: 'trust nothing in it; ask for another receipt, and compare the public key with the one that is published',
  })
}

function notYet(origin: string, size: number, index: number): RepaveError {
  return new RepaveError('LEDGER_BEHIND', `${origin} has no entry ${index}: ${size} are published`, {
    hint: 'count entries from 0; one that was only just recorded is published within a second',
  })
}

function unproven(origin: string, index: number): RepaveError {
  return new RepaveError('LEDGER_INVALID', `the files of ${origin} do not prove entry ${index}`, {
    hint: 'the ledger was changed from outside: `repave ledger verify` says where',
  })
}
