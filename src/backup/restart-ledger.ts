/** Begins another ledger for a state that is not the one that was signed, and says so in its first entry. */
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { checkpointPath } from '../ledger/checkpoint.ts'
import { decodeText } from '../ledger/encoding.ts'
import type { LedgerFiles } from '../ledger/ledger-files.ts'
import type { Entry } from '../model/entry.ts'
import type { Store } from '../store/store.ts'
import { errorCode } from '../system/error-code.ts'
import { fileFailure } from '../system/file-failure.ts'

export interface RestartReport {
  /** Where the files of the ledger before are; absent where there were none. */
  readonly past?: string
}

export interface RestartRequest {
  readonly home: string
  readonly ledgerFolder: string
  readonly files: LedgerFiles
  readonly store: Pick<Store, 'restart'>
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

/**
 * The new ledger has a name of its own, so that it is no fork of the one before, whose last checkpoint it quotes. The
 * store begins first: until the files have moved, a controller refuses to start, and this can be done once more.
 */
export async function restartLedger(request: RestartRequest): Promise<RestartReport> {
  const { home, ledgerFolder, files, store, by, reason, atMs } = request
  const bytes = await files.read(checkpointPath)
  const previous = bytes && decodeText(bytes)
  const entry: Entry = { atMs, kind: 'ledger.restarted', by, message: reason, ...(previous && { previous }) }
  await store.restart(entry)
  const past = join(home, 'past-ledgers', new Date(atMs).toISOString().replaceAll(/[:.]/g, '-'))
  return (await moved(ledgerFolder, past)) ? { past } : {}
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(join(to, '..'), { recursive: true, mode: 0o700 })
    await rename(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw fileFailure(to, error)
  }
}
