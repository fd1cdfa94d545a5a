/** `repave ledger key`: the public key by which anyone can verify the ledger. */
import { exitDone } from './exit.ts'
import { chosenLedger, ownKey } from './ledger.ts'
import type { Session } from './session.ts'

export async function ledgerKey({ terminal, json }: Session): Promise<number> {
  const key = await ownKey(chosenLedger(undefined))
  if (json) terminal.printJson({ key })
  else terminal.print([key])
  return exitDone
}
