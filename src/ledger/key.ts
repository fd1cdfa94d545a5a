/** Keys of those who sign: Ed25519, with the names and ids of c2sp.org/signed-note and c2sp.org/tlog-cosignature. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from 'node:crypto'
import { RepaveError } from '../errors.ts'
import { fromBase64, toBase64 } from './encoding.ts'

/** A log signs checkpoints; a witness cosigns those of logs. One key must never do both. */
export type KeyKind = 'log' | 'witness'

const signatureTypes: Readonly<Record<KeyKind, number>> = { log: 0x01, witness: 0x04 }

export interface VerifierKey<Kind extends KeyKind = KeyKind> {
  readonly kind: Kind
  /** By convention a URL without its scheme: `example.com/ledger`. */
  readonly name: string
  /** The first 4 bytes of a hash of name and key, as 8 hex digits. */
  readonly id: string
  readonly publicKey: KeyObject
}

export interface Signer<Kind extends KeyKind> {
  readonly key: VerifierKey<Kind>
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** A new private key, as PEM (PKCS #8). */
export function generatePrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** `pem` is an Ed25519 private key in PKCS #8; throws USAGE for anything else. */
export function createSigner<Kind extends KeyKind>(kind: Kind, name: string, pem: string): Signer<Kind> {
  if (!isKeyName(name)) throw badName(name)
  const privateKey = readPrivateKey(name, pem)
  const key = verifierKey(kind, name, createPublicKey(privateKey))
  return { key, sign: (message) => sign(null, message, privateKey) }
}

export function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]+$/u.test(name)
}

export function isSignedBy(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key.publicKey, signature)
}

/** The text form of a public key that people pass on: `example.com/ledger+530d903a+AekyeRrm…`. */
export function formatVerifierKey({ kind, name, id, publicKey }: VerifierKey): string {
  return `${name}+${id}+${toBase64(keyMaterial(kind, publicKey))}`
}

/** Throws USAGE for a text that is no key of this kind. */
export function parseVerifierKey<Kind extends KeyKind>(kind: Kind, text: string): VerifierKey<Kind> {
  const [, name = '', id, material = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? []
  const bytes = fromBase64(material)
  if (!isKeyName(name) || bytes?.length !== 33 || bytes[0] !== signatureTypes[kind]) throw badKey(kind, text)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes.subarray(1)).toString('base64url') }
  const key = verifierKey(kind, name, createPublicKey({ key: jwk, format: 'jwk' }))
  if (key.id !== id) throw badKey(kind, text)
  return key
}

function verifierKey<Kind extends KeyKind>(kind: Kind, name: string, publicKey: KeyObject): VerifierKey<Kind> {
  const named = Buffer.concat([Buffer.from(`${name}\n`), keyMaterial(kind, publicKey)])
  return { kind, name, id: hash('sha256', named, 'hex').slice(0, 8), publicKey }
}

/** The byte of the signature's type and the 32 bytes of the key (RFC 8032). */
function keyMaterial(kind: KeyKind, publicKey: KeyObject): Uint8Array {
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.of(signatureTypes[kind]), Buffer.from(x, 'base64url')])
}

function readPrivateKey(name: string, pem: string): KeyObject {
  const hint = 'give an Ed25519 key in PKCS #8: `openssl genpkey -algorithm ed25519` makes one'
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw new RepaveError('USAGE', `the private key of ${name} can't be read`, { hint, cause })
  }
  throw new RepaveError('USAGE', `the private key of ${name} is not an Ed25519 key`, { hint })
}

function badName(name: string): RepaveError {
  return new RepaveError('USAGE', `${JSON.stringify(name)} can't be the name of a key`, {
    hint: 'use a URL without its scheme, such as example.com/ledger: no spaces and no plus sign',
  })
}

function badKey(kind: KeyKind, text: string): RepaveError {
  return new RepaveError('USAGE', `${JSON.stringify(text)} is not the public key of a ${kind}`, {
    hint: 'copy the whole line NAME+ID+KEY that its owner published',
  })
}
