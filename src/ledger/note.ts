/** Signed notes: a text and the signatures on it. Format: c2sp.org/signed-note. */
import { fromBase64, toBase64 } from './encoding.ts'
import type { Fault } from './fault.ts'
import { isKeyName, type VerifierKey } from './key.ts'

export interface Note {
  /** What is signed, with its last newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export interface NoteSignature {
  readonly name: string
  /** 8 hex digits. */
  readonly keyId: string
  readonly signature: Uint8Array
}

/** The specification asks for at least 16. */
const maxSignatures = 100

const keyIdBytes = 4

/** The note that `content` is; whether its signatures are right is not looked at. */
export function parseNote(content: string): Note | Fault {
  const end = content.lastIndexOf('\n\n')
  if (hasControls(content) || end < 0) return { fault: 'is not a signed note' }
  const signatures = parseSignatures(content.slice(end + 2))
  if (signatures === undefined) return { fault: 'has a malformed signature line' }
  return { text: content.slice(0, end + 1), signatures }
}

/** The signatures of at least one line; undefined where a line is malformed. */
export function parseSignatures(lines: string): readonly NoteSignature[] | undefined {
  if (!lines.endsWith('\n')) return undefined
  const signatures = lines.slice(0, -1).split('\n').map(parseSignature)
  return signatures.length <= maxSignatures && signatures.every((each) => each !== undefined) ? signatures : undefined
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`
}

/** A signature line, with its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${toBase64(Buffer.concat([Buffer.from(keyId, 'hex'), signature]))}\n`
}

export function isSignatureOf(key: VerifierKey, { name, keyId }: NoteSignature): boolean {
  return key.name === name && key.id === keyId
}

function parseSignature(line: string): NoteSignature | undefined {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ')
  const bytes = fromBase64(encoded)
  if (dash !== '—' || rest.length > 0 || !isKeyName(name) || bytes === undefined) return undefined
  if (bytes.length <= keyIdBytes) return undefined
  return {
    name,
    keyId: Buffer.from(bytes.subarray(0, keyIdBytes)).toString('hex'),
    signature: bytes.subarray(keyIdBytes),
  }
}

/** A note has no control characters of ASCII but newlines. */
function hasControls(content: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\u0000-\u0009\u000b-\u001f]/.test(content)
}
