/** `repave ledger receipt ENTRY`: the proof that one entry is in the ledger; and `verify` for one. */
import { open } from 'node:fs/promises'
import { RepaveError } from '../errors.ts'
import { openCheckpoint } from '../ledger/checkpoint.ts'
import { decodeText } from '../ledger/encoding.ts'
import { isFault } from '../ledger/fault.ts'
import { parseVerifierKey } from '../ledger/key.ts'
import { checkReceipt, makeReceipt } from '../ledger/receipt.ts'
import { fileFailure } from '../system/file-failure.ts'
import { readTextFile } from '../system/read-file.ts'
import { exitDone } from './exit.ts'
import { chosenLedger, ownKey } from './ledger.ts'
import { checkpointText, unusable } from './ledger-checkpoint.ts'
import { renderReceipt } from './render/ledger.ts'
import type { Session } from './session.ts'

/** An entry has at most 64 KiB, a proof 63 hashes. */
const maxReceiptBytes = 1 << 20

/** Anyone can check it with the public key alone: `repave ledger verify FILE --key KEY`. */
export async function ledgerReceipt(
  { terminal, json }: Session,
  entry: string,
  { output }: { readonly output?: string },
): Promise<number> {
  const ledger = chosenLedger(undefined)
  const checkpoint = openCheckpoint(await checkpointText(ledger), parseVerifierKey('log', await ownKey(ledger)))
  if (isFault(checkpoint)) throw unusable(checkpoint.fault)
  const receipt = await makeReceipt(ledger.files, checkpoint, wholeNumber(entry))
  if (output !== undefined) await writeNew(output, receipt)
  if (json)
    terminal.printJson({
      ok: true,
      entry: wholeNumber(entry),
      ...(output === undefined ? { receipt } : { file: output }),
    })
  else terminal.print(output === undefined ? receipt.trimEnd().split('\n') : [`entry ${entry}: ${output}`])
  return exitDone
}

export async function verifyReceipt(
  { terminal, json }: Session,
  file: string,
  { key, witness }: { readonly key?: string; readonly witness?: readonly string[] },
): Promise<number> {
  const text = await readTextFile(file, maxReceiptBytes, 'name a file that `repave ledger receipt` has written')
  const trusted = key ?? (await ownKey(chosenLedger(undefined)))
  const { index, entry, checkpoint, cosignatures } = checkReceipt(text, {
    key: trusted,
    ...(witness && { witnesses: witness }),
  })
  const { origin, size } = checkpoint
  const value: unknown = JSON.parse(decodeText(entry) ?? 'null')
  if (json) terminal.printJson({ ok: true, origin, size, index, entry: value, cosignatures })
  else terminal.print(renderReceipt({ origin, size, index, entry: value, cosignatures }, terminal.style))
  return exitDone
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await using handle = await open(file, 'wx')
    await handle.writeFile(text)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw fileFailure(file, error)
    throw new RepaveError('FILE_UNWRITABLE', `${file} exists already`, {
      hint: 'name a file that does not',
      at: { file },
    })
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new RepaveError('USAGE', `${JSON.stringify(text)} is not the number of an entry`, {
    hint: '`repave ledger log` shows the numbers of entries',
  })
}
