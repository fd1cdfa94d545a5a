/** `repave ledger verify [PATH]`: whether a ledger, or a receipt, is what was signed. Needs no controller. */
import { stat } from 'node:fs/promises'
import { RepaveError } from '../errors.ts'
import { verifyLedger } from '../ledger/verify.ts'
import { readTextFile } from '../system/read-file.ts'
import { exitDone } from './exit.ts'
import { chosenLedger, ownKey } from './ledger.ts'
import { verifyReceipt } from './ledger-receipt.ts'
import { renderVerification } from './render/ledger.ts'
import type { Session } from './session.ts'

export interface LedgerVerifyOptions {
  readonly key?: string
  /** A file with a checkpoint from before. */
  readonly checkpoint?: string
  readonly witness?: readonly string[]
}

const exitBroken = 1
const maxCheckpointBytes = 1 << 19

/** `path` is a folder, or a receipt file; without one, the ledger of the state folder. */
export async function ledgerVerify(
  session: Session,
  path: string | undefined,
  options: LedgerVerifyOptions,
): Promise<number> {
  if (path !== undefined && (await isFile(path))) return verifyReceipt(session, path, options)
  const { terminal, json } = session
  const ledger = chosenLedger(path)
  const { key = await ownKey(ledger), checkpoint, witness: witnesses } = options
  const earlier = checkpoint && (await readTextFile(checkpoint, maxCheckpointBytes, 'name a file with a checkpoint'))
  const report = await verifyLedger(ledger.files, {
    key,
    ...(earlier !== undefined && { earlier }),
    ...(witnesses && { witnesses }),
  })
  if (json) terminal.printJson(report)
  else {
    const lines = renderVerification(report, report.ok ? terminal.style : terminal.errorStyle)
    const trust = options.key === undefined ? [`  by the key in ${ledger.folder} itself; compare it: ${key}`] : []
    if (report.ok) terminal.print([...lines, ...trust])
    else terminal.printError([...lines, ...trust])
  }
  return report.ok ? exitDone : exitBroken
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (cause) {
    throw new RepaveError('FILE_NOT_FOUND', `${path} does not exist`, {
      hint: 'name the folder of a ledger, or a receipt',
      at: { file: path },
      cause,
    })
  }
}
