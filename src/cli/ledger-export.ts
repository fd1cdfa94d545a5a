/** `repave ledger export FOLDER`: a copy as static files, to be verified anywhere. */
import { RepaveError } from '../errors.ts'
import { ledgerFiles } from '../compose.ts'
import { checkpointPath } from '../ledger/checkpoint.ts'
import { copyLedger } from '../ledger/copy.ts'
import { exitDone } from './exit.ts'
import { chosenLedger } from './ledger.ts'
import type { Session } from './session.ts'

export async function ledgerExport({ terminal, json }: Session, folder: string): Promise<number> {
  const target = ledgerFiles(folder)
  if ((await target.read(checkpointPath)) !== undefined || (await target.list('tile')).length > 0)
    throw new RepaveError('FILE_UNWRITABLE', `${folder} holds a ledger already`, {
      hint: 'name a folder that is not there yet: each copy has one of its own',
    })
  const { origin, size } = await copyLedger(chosenLedger(undefined).files, target)
  if (json) terminal.printJson({ ok: true, folder, origin, size })
  else
    terminal.print([
      `${origin}: ${size} entries copied to ${folder}`,
      `  anyone can verify them there: repave ledger verify ${folder} --key KEY`,
    ])
  return exitDone
}
