/** What the `ledger` commands share: which ledger, and by which key it is judged. */
import { stateFolder } from '../api/home.ts'
import { ledgerFiles, ledgerFolderOf } from '../compose.ts'
import { RepaveError } from '../errors.ts'
import type { LedgerFiles } from '../ledger/ledger-files.ts'
import { readPublicKey } from '../ledger/public-key.ts'

export interface ChosenLedger {
  readonly folder: string
  readonly files: LedgerFiles
}

/** The ledger in `folder`; without one, that of the state folder. */
export function chosenLedger(folder: string | undefined): ChosenLedger {
  const chosen = folder ?? ledgerFolderOf(stateFolder())
  return { folder: chosen, files: ledgerFiles(chosen) }
}

/** The public key that the folder itself carries; who was given it another way should compare. */
export async function ownKey({ folder, files }: ChosenLedger): Promise<string> {
  const key = await readPublicKey(files)
  if (key !== undefined) return key
  throw new RepaveError('FILE_NOT_FOUND', `there is no ledger in ${folder}`, {
    hint: 'a controller makes one when it starts: `repave up`; for a copy, name its folder',
  })
}
