/** `repave backup FOLDER`: a copy of the state folder, also while the controller is at work. */
import { stateFolder } from '../api/home.ts'
import { backUp } from '../backup/backup.ts'
import { backupSourceOf } from '../compose.ts'
import { exitDone } from './exit.ts'
import type { Session } from './session.ts'

export async function backup({ terminal, json }: Session, folder: string): Promise<number> {
  const report = await backUp(backupSourceOf(stateFolder()), folder, new Date())
  if (json) terminal.printJson({ ok: true, ...report })
  else
    terminal.print([
      `${report.folder}: ${report.files} files, ${report.entries} entries of the ledger`,
      '  it holds the private key of the ledger: keep it where only its owner can read it',
    ])
  return exitDone
}
