/** The ledger of a state folder: its files in `ledger`, which anyone may copy, and what only its writer needs beside. */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { readTextFile } from '../../system/read-file.ts'
import { parseVerifierKey } from '../key.ts'
import type { LedgerFiles } from '../ledger-files.ts'
import { Publisher } from '../publisher.ts'
import { DiskLedgerFiles } from './disk-ledger-files.ts'
import { openSigner } from './disk-signer.ts'

/** Who is asked to cosign each checkpoint. */
export interface WitnessAddress {
  readonly url: string
  readonly key: string
}

const maxWitnessesBytes = 64 * 1024

export function ledgerFolder(home: string): string {
  return join(home, 'ledger')
}

export function privateKeyFile(home: string): string {
  return join(home, 'ledger.key')
}

/** Opens the ledger of a state folder for its one writer; made with a key of its own where there is none. */
export async function openDiskLedger(
  home: string,
): Promise<{ files: LedgerFiles; publisher: Publisher; witnesses: readonly WitnessAddress[] }> {
  const files = new DiskLedgerFiles(ledgerFolder(home))
  const signer = await openSigner('log', privateKeyFile(home), files)
  const witnesses = await readWitnesses(home)
  const publisher = await Publisher.open({ files, signer, witnesses: witnesses.map(({ key }) => key) })
  return { files, publisher, witnesses }
}

/** The next controller asks this witness too. */
export async function addWitness(home: string, witness: WitnessAddress): Promise<void> {
  const { url, key } = checked(witness, 'the witness')
  try {
    await appendFile(witnessesFile(home), `${url} ${key}\n`, { mode: 0o600, flush: true })
  } catch (error) {
    throw fileFailure(witnessesFile(home), error)
  }
}

/** A line each: `URL KEY`. */
async function readWitnesses(home: string): Promise<readonly WitnessAddress[]> {
  const file = witnessesFile(home)
  const text = await readTextFile(file, maxWitnessesBytes, 'remove it, and name the witnesses again').catch(ifAbsent)
  const lines = (text ?? '').split('\n').filter((line) => line.trim() !== '')
  const witnesses = lines.map((line) => {
    const [url = '', key = ''] = line.trim().split(/\s+/)
    return checked({ url, key }, `a line of ${file}`)
  })
  return [...new Map(witnesses.map((witness) => [witness.key, witness])).values()]
}

function checked(witness: WitnessAddress, what: string): WitnessAddress {
  parseVerifierKey('witness', witness.key)
  if (URL.canParse(witness.url) && /^https?:/.test(witness.url)) return witness
  throw new RepaveError('USAGE', `${what} has no usable address: ${JSON.stringify(witness.url)}`, {
    hint: 'give an address that begins with https:// or http://, and its public key after it',
  })
}

export function witnessesFile(home: string): string {
  return join(home, 'witnesses')
}

function ifAbsent(error: unknown): undefined {
  if (error instanceof RepaveError && error.code === 'FILE_NOT_FOUND') return undefined
  throw error
}
