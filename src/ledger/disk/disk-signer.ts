/** Who signs: a private key in a file of its own, and its public key among the files that anyone may copy. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RepaveError } from '../../errors.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { readTextFile } from '../../system/read-file.ts'
import { encodeText } from '../encoding.ts'
import {
  createSigner,
  formatVerifierKey,
  generatePrivateKey,
  type KeyKind,
  parseVerifierKey,
  type Signer,
} from '../key.ts'
import type { LedgerFiles } from '../ledger-files.ts'
import { publicKeyPath, readPublicKey } from '../public-key.ts'

const maxKeyBytes = 4_096

/**
 * Made at the first opening, with a name that nobody else has. Throws LEDGER_INVALID where the two keys don't belong
 * together, and FILE_NOT_FOUND where only the public one is there.
 */
export async function openSigner<Kind extends KeyKind>(
  kind: Kind,
  privateKeyFile: string,
  files: LedgerFiles,
): Promise<Signer<Kind>> {
  const known = await readPublicKey(files)
  const name = known === undefined ? newName(kind) : parseVerifierKey(kind, known).name
  const signer = createSigner(kind, name, await readPrivateKey(privateKeyFile, known === undefined))
  const own = formatVerifierKey(signer.key)
  if (known === undefined) await files.write([{ path: publicKeyPath, bytes: encodeText(`${own}\n`) }])
  else if (own !== known) throw foreign(privateKeyFile, known)
  return signer
}

function newName(kind: KeyKind): string {
  return `repave.local/${kind}-${randomBytes(8).toString('hex')}`
}

async function readPrivateKey(file: string, mayBeMade: boolean): Promise<string> {
  try {
    return await readTextFile(file, maxKeyBytes, 'bring the private key back from a backup')
  } catch (error) {
    if (!mayBeMade || !(error instanceof RepaveError && error.code === 'FILE_NOT_FOUND')) throw error
  }
  const pem = generatePrivateKey()
  await writePrivately(file, pem)
  return pem
}

/** Whole and durable, or not there. */
async function writePrivately(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await rm(temporary, { force: true })
    {
      await using handle = await open(temporary, 'wx', 0o600)
      await handle.writeFile(text)
      await handle.sync()
    }
    await rename(temporary, file)
    await using folder = await open(dirname(file), constants.O_RDONLY | constants.O_DIRECTORY)
    await folder.sync()
  } catch (error) {
    throw fileFailure(file, error)
  }
}

function foreign(file: string, known: string): RepaveError {
  return new RepaveError('LEDGER_INVALID', `${file} is not the private key of ${known}`, {
    hint: 'bring the private key of this one back from a backup',
  })
}
