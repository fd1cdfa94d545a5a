/** `repave ledger checkpoint`: the signed head, as it is published. */
import { RepaveError } from '../errors.ts'
import { checkpointPath, parseCheckpoint } from '../ledger/checkpoint.ts'
import { decodeText, toBase64 } from '../ledger/encoding.ts'
import { isFault } from '../ledger/fault.ts'
import { exitDone } from './exit.ts'
import { chosenLedger, type ChosenLedger } from './ledger.ts'
import type { Session } from './session.ts'

/** Its text is what an auditor keeps, to prove later that nothing before it was rewritten. */
export async function ledgerCheckpoint({ terminal, json }: Session, folder: string | undefined): Promise<number> {
  const text = await checkpointText(chosenLedger(folder))
  if (!json) terminal.print(text.trimEnd().split('\n'))
  else {
    const checkpoint = parseCheckpoint(text)
    if (isFault(checkpoint)) throw unusable(checkpoint.fault)
    const { origin, size, root } = checkpoint
    terminal.printJson({ origin, size, root: toBase64(root), checkpoint: text })
  }
  return exitDone
}

export async function checkpointText({ folder, files }: ChosenLedger): Promise<string> {
  const bytes = await files.read(checkpointPath)
  const text = bytes && decodeText(bytes)
  if (text !== undefined) return text
  throw new RepaveError('FILE_NOT_FOUND', `there is no checkpoint in ${folder}`, {
    hint: 'a controller signs the first one a moment after something was recorded: `repave up`',
  })
}

export function unusable(fault: string): RepaveError {
  return new RepaveError('LEDGER_INVALID', `the checkpoint ${fault}`, { hint: 'see `repave ledger verify`' })
}
