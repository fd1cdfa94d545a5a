/** `repave ledger restart`: begins another ledger where the state is not the one that was signed. */
import { whileClaimed } from '../api/claim.ts'
import { prepareHome, stateFolder } from '../api/home.ts'
import { restartLedgerOf } from '../compose.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'
import { caller } from './stack.ts'

export async function ledgerRestart(
  { terminal, json }: Session,
  { reason }: { readonly reason: string },
): Promise<number> {
  const home = stateFolder()
  prepareHome(home)
  const { past } = await whileClaimed(home, () => restartLedgerOf(home, reason, caller()))
  if (json) terminal.printJson({ ok: true, ...(past !== undefined && { past }) })
  else
    terminal.print([
      'the next controller begins another ledger; its first entry says why and quotes the last checkpoint',
      ...(past === undefined ? [] : [`  the ledger before is in ${past}`]),
    ])
  return exitDone
}
