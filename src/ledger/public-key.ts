/** The public key that a ledger's folder carries, for people to compare with the one that they were given. */
import { decodeText } from './encoding.ts'
import type { LedgerFiles } from './ledger-files.ts'

/** In the text form that people pass on; its name is that of the log. */
export const publicKeyPath = 'key'

/** Undefined where the folder has none. */
export async function readPublicKey(files: LedgerFiles): Promise<string | undefined> {
  const bytes = await files.read(publicKeyPath)
  return bytes && decodeText(bytes)?.trimEnd()
}
