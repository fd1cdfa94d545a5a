/** The ledger of a state folder: its files in `ledger`, which anyone may copy, and its private key beside them. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { readTextFile } from '../../system/read-file.ts'
import { encodeText } from '../encoding.ts'
import { createSigner, formatVerifierKey, generatePrivateKey, parseVerifierKey, type Signer } from '../key.ts'
import type { LedgerFiles } from '../ledger-files.ts'
import { publicKeyPath, readPublicKey } from '../public-key.ts'
import { Publisher } from '../publisher.ts'
import { DiskLedgerFiles } from './disk-ledger-files.ts'

const maxKeyBytes = 4_096

export function ledgerFolder(home: string): string {
  return join(home, 'ledger')
}

export function privateKeyFile(home: string): string {
  return join(home, 'ledger.key')
}

/** Opens the ledger of a state folder for its one writer; made with a key of its own where there is none. */
export async function openDiskLedger(home: string): Promise<{ files: LedgerFiles; publisher: Publisher }> {
  const files = new DiskLedgerFiles(ledgerFolder(home))
  const known = await readPublicKey(files)
  const pem = await privateKey(home, known)
  const signer = createSigner('log', known === undefined ? newName() : parseVerifierKey('log', known).name, pem)
  if (known === undefined) await files.write([{ path: publicKeyPath, bytes: encodeText(`${publicKeyOf(signer)}\n`) }])
  else if (publicKeyOf(signer) !== known) throw foreignKey(home)
  return { files, publisher: await Publisher.open({ files, signer }) }
}

function publicKeyOf(signer: Signer): string {
  return formatVerifierKey(signer.key)
}

/** No other log has it, so that none can be taken for this one. */
function newName(): string {
  return `repave.local/${randomBytes(8).toString('hex')}`
}

async function privateKey(home: string, known: string | undefined): Promise<string> {
  const file = privateKeyFile(home)
  try {
    return await readTextFile(file, maxKeyBytes, 'bring the key of this ledger back from a backup')
  } catch (error) {
    if (known !== undefined || !(error instanceof RepaveError && error.code === 'FILE_NOT_FOUND')) throw error
  }
  const pem = generatePrivateKey()
  await writePrivately(file, pem)
  return pem
}

/** Whole and durable, or not there. */
async function writePrivately(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`
  try {
    await rm(temporary, { force: true })
    await using handle = await open(temporary, 'wx', 0o600)
    await handle.writeFile(text)
    await handle.sync()
    await rename(temporary, file)
    await using folder = await open(dirname(file), constants.O_RDONLY | constants.O_DIRECTORY)
    await folder.sync()
  } catch (error) {
    throw fileFailure(file, error)
  }
}

function foreignKey(home: string): RepaveError {
  return new RepaveError(
    'LEDGER_INVALID',
    `${privateKeyFile(home)} is not the key of the ledger in ${ledgerFolder(home)}`,
    {
      hint: 'bring the key of this ledger back from a backup',
    },
  )
}
