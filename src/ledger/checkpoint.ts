/** Checkpoints: the signed head of a log. Format: c2sp.org/tlog-checkpoint. */
import { encodeText, hashFromBase64, parseCount, toBase64 } from './encoding.ts'
import { type Fault, isFault } from './fault.ts'
import { isSignedBy, type Signer, type VerifierKey } from './key.ts'
import type { Hash } from './merkle.ts'
import { formatNote, isSignatureOf, type Note, type NoteSignature, parseNote } from './note.ts'

export interface TreeHead {
  /** How many leaves. */
  readonly size: number
  readonly root: Hash
}

export interface Checkpoint extends TreeHead {
  /** The name of the log. */
  readonly origin: string
  readonly note: Note
}

/** Where a ledger's checkpoint is; nothing else at that level is the log's. */
export const checkpointPath = 'checkpoint'

export function signCheckpoint(origin: string, { size, root }: TreeHead, signer: Signer<'log'>): Checkpoint {
  const text = `${origin}\n${size}\n${toBase64(root)}\n`
  const { name, id: keyId } = signer.key
  const signature = { name, keyId, signature: signer.sign(encodeText(text)) }
  return { origin, size, root, note: { text, signatures: [signature] } }
}

export function formatCheckpoint({ note }: Checkpoint): string {
  return formatNote(note)
}

/** The checkpoint of `origin` that `content` is, signed by `key`. */
export function openCheckpoint(
  content: string,
  key: VerifierKey<'log'>,
  origin: string = key.name,
): Checkpoint | Fault {
  const checkpoint = parseCheckpoint(content)
  if (isFault(checkpoint)) return checkpoint
  const fault = signatureFault(checkpoint.note, key)
  if (fault !== undefined) return { fault }
  if (checkpoint.origin !== origin) return { fault: `is of ${checkpoint.origin}, not of ${origin}` }
  return checkpoint
}

/** The checkpoint that `content` claims to be, before any signature is looked at. */
export function parseCheckpoint(content: string): Checkpoint | Fault {
  const note = parseNote(content)
  if (isFault(note)) return note
  const [origin = '', decimals = '', encodedRoot = '', ...extensions] = note.text.slice(0, -1).split('\n')
  const size = parseCount(decimals)
  const root = hashFromBase64(encodedRoot)
  if (origin === '' || size === undefined || root === undefined || extensions.includes(''))
    return { fault: 'has a malformed tree head' }
  return { origin, size, root, note }
}

/** The same checkpoint with further signatures; one replaces an earlier one of the same key. */
export function withSignatures(checkpoint: Checkpoint, added: readonly NoteSignature[]): Checkpoint {
  const replaced = ({ name, keyId }: NoteSignature) => added.some((each) => each.name === name && each.keyId === keyId)
  const kept = checkpoint.note.signatures.filter((signature) => !replaced(signature))
  return { ...checkpoint, note: { ...checkpoint.note, signatures: [...kept, ...added] } }
}

/** A signature of a known key that is wrong spoils the whole note, whatever other ones say. */
function signatureFault({ text, signatures }: Note, key: VerifierKey): string | undefined {
  const own = signatures.filter((signature) => isSignatureOf(key, signature))
  if (own.length === 0) return `is not signed with the key ${key.name}+${key.id}`
  const isRight = own.every(({ signature }) => isSignedBy(key, encodeText(text), signature))
  return isRight ? undefined : `has a signature of ${key.name} that does not fit what it says`
}
