/** A copy of a ledger as it is at one moment, which can be taken away and verified anywhere. */
import { RepaveError } from '../errors.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { checkpointPath, formatCheckpoint } from './checkpoint.ts'
import { encodeText } from './encoding.ts'
import { isFault } from './fault.ts'
import { parseVerifierKey } from './key.ts'
import type { LedgerFile, LedgerFiles } from './ledger-files.ts'
import { publicKeyPath, readPublicKey } from './public-key.ts'
import { takeSnapshot } from './snapshot.ts'
import { tilePath, tilesOf } from './tiles.ts'

export interface CopiedLedger {
  readonly origin: string
  /** How many entries it has. */
  readonly size: number
}

const filesAtOnce = 256

/**
 * Copies to an empty place, the checkpoint last, so that a copy that was cut short is none. What was pruned is not
 * there. Throws LEDGER_INVALID where nothing was published yet.
 */
export async function copyLedger(
  from: LedgerFiles,
  to: LedgerFiles,
  clock: Pick<Clock, 'sleep'> = systemClock,
): Promise<CopiedLedger> {
  const publicKey = await readPublicKey(from)
  if (publicKey === undefined) throw nothingThere('has no public key')
  const snapshot = await takeSnapshot(from, parseVerifierKey('log', publicKey), clock)
  if (isFault(snapshot)) throw nothingThere(`has a checkpoint that ${snapshot.fault}`)
  const { checkpoint, edge } = snapshot
  const paths = [...tilesOf(checkpoint.size).map(tilePath), ...(await from.list('blob'))]
  for (let at = 0; at < paths.length; at += filesAtOnce)
    await to.write(await readAll(from, edge, paths.slice(at, at + filesAtOnce)))
  await to.write([{ path: publicKeyPath, bytes: encodeText(`${publicKey}\n`) }])
  await to.write([{ path: checkpointPath, bytes: encodeText(formatCheckpoint(checkpoint)) }])
  return { origin: checkpoint.origin, size: checkpoint.size }
}

async function readAll(
  from: LedgerFiles,
  edge: ReadonlyMap<string, Uint8Array>,
  paths: readonly string[],
): Promise<readonly LedgerFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => ({ path, bytes: edge.get(path) ?? (await from.read(path)) })),
  )
  return files.filter((file): file is LedgerFile => file.bytes !== undefined)
}

function nothingThere(what: string): RepaveError {
  return new RepaveError('LEDGER_INVALID', `the ledger ${what}`, {
    hint: 'a controller makes it when it starts, and signs it a moment after something was recorded',
  })
}
