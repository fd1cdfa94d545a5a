/**
 * The evidence key: an age key pair (X25519). The recipient, which is public, is all that is needed to keep evidence;
 * the identity reads what is secret in it, and may be moved away from the machine.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { RepaveError } from '../../errors.ts'
import { fileFailure } from '../../system/file-failure.ts'
import { readTextFile } from '../../system/read-file.ts'
import { makePrivateFolder, writeDurably } from './private-files.ts'

const maxKeyBytes = 4_096

export interface EvidenceKey {
  readonly recipient: string
  /** Where the identity is, or was made. */
  readonly identityFile: string
  /** Whether it is there still. */
  readonly hasIdentity: boolean
}

/** Made at first need. The recipient comes last: while there is none, no evidence is encrypted to it. */
export async function openEvidenceKey(folder: string): Promise<EvidenceKey> {
  const identityFile = join(folder, 'identity')
  const recipientFile = join(folder, 'recipient')
  const recipient = (await readRecipient(recipientFile)) ?? (await makeKey(folder, identityFile, recipientFile))
  return { recipient, identityFile, hasIdentity: await isThere(identityFile) }
}

async function readRecipient(file: string): Promise<string | undefined> {
  try {
    const text = (await readTextFile(file, maxKeyBytes, hint)).trim()
    new Encrypter().addRecipient(text)
    return text
  } catch (error) {
    if (error instanceof RepaveError && error.code === 'FILE_NOT_FOUND') return undefined
    if (error instanceof RepaveError) throw error
    throw new RepaveError('FILE_INVALID', `${file} holds no age recipient`, { hint, at: { file }, cause: error })
  }
}

const hint = 'it is a line `age1…`, as `age-keygen -y` prints it'

async function makeKey(folder: string, identityFile: string, recipientFile: string): Promise<string> {
  try {
    await makePrivateFolder(folder)
    const identity = await readIdentity(identityFile)
    const known = identity ?? (await generateX25519Identity())
    if (identity === undefined) await writeDurably(identityFile, `${known}\n`)
    const recipient = await identityToRecipient(known)
    await writeDurably(recipientFile, `${recipient}\n`)
    return recipient
  } catch (error) {
    throw fileFailure(folder, error)
  }
}

/** One that was made when the recipient could not be written. */
async function readIdentity(file: string): Promise<string | undefined> {
  try {
    return (await readTextFile(file, maxKeyBytes, 'it is a line `AGE-SECRET-KEY-1…`')).trim()
  } catch (error) {
    if (error instanceof RepaveError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
