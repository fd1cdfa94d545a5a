/** A ledger that lasts as long as its object, with a key of its own. */
import { createSigner, generatePrivateKey, type Signer } from '../key.ts'
import type { LedgerFiles } from '../ledger-files.ts'
import { Publisher } from '../publisher.ts'
import { MemoryLedgerFiles } from './memory-ledger-files.ts'

export function memorySigner(): Signer<'log'> {
  return createSigner('log', 'repave.local/memory', generatePrivateKey())
}

/** `files` and `signer`: those of an earlier life of it. */
export async function openMemoryLedger(
  files: LedgerFiles = new MemoryLedgerFiles(),
  signer: Signer<'log'> = memorySigner(),
): Promise<{ files: LedgerFiles; publisher: Publisher; witnesses: readonly [] }> {
  return { files, publisher: await Publisher.open({ files, signer }), witnesses: [] }
}
