/** `repave restore FOLDER`: a backup put in the place of the state folder's content. */
import { whileClaimed } from '../api/claim.ts'
import { prepareHome, stateFolder } from '../api/home.ts'
import { restore as restoreState } from '../backup/restore.ts'
import { restartLedgerOf } from '../compose.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'
import { caller } from './stack.ts'

export interface RestoreOptions {
  readonly replace?: boolean
}

/** What happened after the backup was signed too, so the ledger begins anew and names the checkpoint of the backup. */
export async function restore(
  { terminal, json }: Session,
  folder: string,
  { replace = false }: RestoreOptions,
): Promise<number> {
  const home = stateFolder()
  prepareHome(home)
  const report = await whileClaimed(home, async () => {
    const restored = await restoreState(folder, home, replace, new Date())
    return { ...restored, ...(await restartLedgerOf(home, `restored from a backup of ${restored.at}`, caller())) }
  })
  if (json) terminal.printJson({ ok: true, ...report })
  else
    terminal.print([
      `${home} is as it was at ${report.at}; the next command starts its controller`,
      ...(report.replaced === undefined ? [] : [`  what was there before is in ${report.replaced}`]),
    ])
  return exitDone
}
