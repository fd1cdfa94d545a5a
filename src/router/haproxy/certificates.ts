/** A route's certificate and key, as the single PEM file that HAProxy wants. */
import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { RepaveError } from '../../errors.ts'
import type { Route } from '../../model/stack.ts'

export interface Pem {
  /** Named by its content, so that a renewed certificate is another configuration. */
  readonly name: string
  readonly text: string
}

/** Certificate chain and key in one; CERTIFICATE_INVALID when they can't be read or don't belong together. */
export async function readPem({ certificate, key }: NonNullable<Route['tls']>): Promise<Pem> {
  const [chain, privateKey] = await Promise.all([readText(certificate), readText(key)])
  if (!parseCertificate(certificate, chain).checkPrivateKey(parseKey(key, privateKey)))
    throw certificateInvalid(`the key ${key} does not belong to the certificate ${certificate}`, 'name the two that do')
  const text = `${chain.trim()}\n${privateKey.trim()}\n`
  return { name: pemName(text), text }
}

export function pemName(text: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.pem`
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw certificateInvalid(`${path} can't be read`, 'check the path, and that the controller may read it', cause)
  }
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw certificateInvalid(`${path} holds no certificate`, 'use a PEM file with the certificate and its chain', cause)
  }
}

function parseKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw certificateInvalid(
      `${path} holds no usable private key`,
      'use a PEM file with a key that has no passphrase',
      cause,
    )
  }
}

export function certificateInvalid(message: string, hint: string, cause?: unknown): RepaveError {
  return new RepaveError('CERTIFICATE_INVALID', message, { hint, ...(cause !== undefined && { cause }) })
}
