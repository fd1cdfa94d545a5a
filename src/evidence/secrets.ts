/** What is secret in a bundle, in the age format (age-encryption.org/v1). */
import { Decrypter, Encrypter } from 'age-encryption'
import { RepaveError } from '../errors.ts'

/** `recipient`: a line `age1…`. */
export async function encryptTo(recipient: string, content: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(content)
}

/** EVIDENCE_INVALID where the identity is another one, or the content is not what was encrypted. */
export async function decryptWith(identity: string, content: Uint8Array): Promise<Uint8Array> {
  try {
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    return await decrypter.decrypt(content)
  } catch (cause) {
    throw new RepaveError('EVIDENCE_INVALID', 'the secret parts can not be read with this identity', {
      hint: 'name the file of the identity that belongs to the recipient of the bundle: `repave evidence show` names it',
      cause,
    })
  }
}

/** The identities of a file as age-keygen(1) writes it: one a line, comments aside. */
export function identityIn(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith('AGE-SECRET-KEY-'))
}
