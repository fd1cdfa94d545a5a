/** `repave ledger cosign URL KEY`: has a witness cosign the checkpoints. */
import { prepareHome, stateFolder } from '../api/home.ts'
import { cosignNow, keepWitness } from '../compose.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'

/** Asks the witness for the checkpoint that there is, so that a wrong key or address is found out now. */
export async function ledgerCosign({ terminal, json }: Session, url: string, key: string): Promise<number> {
  const home = stateFolder()
  prepareHome(home)
  const { origin, size } = await cosignNow(home, { url, key })
  await keepWitness(home, { url, key })
  if (json) terminal.printJson({ ok: true, origin, size, url })
  else
    terminal.print([
      `${url} cosigns ${origin}, from entry ${size} on`,
      '  the controller asks it from its next start on; until then it goes on without',
    ])
  return exitDone
}
