/** Cosignatures: a witness has seen a checkpoint, and all before it are consistent. Format: c2sp.org/tlog-cosignature. */
import { encodeText } from './encoding.ts'
import { type Fault, isFault } from './fault.ts'
import { isSignedBy, type Signer, type VerifierKey } from './key.ts'
import { isSignatureOf, type Note, type NoteSignature, parseSignatures } from './note.ts'

export interface Cosignature {
  /** The witness. */
  readonly name: string
  /** Seconds since the epoch. */
  readonly atSeconds: number
}

const timeBytes = 8

/** The line by which `signer` states that, at this time, it knows of no longer tree of the log. */
export function cosign(text: string, signer: Signer<'witness'>, atSeconds: number): NoteSignature {
  const time = Buffer.alloc(timeBytes)
  time.writeBigUInt64BE(BigInt(atSeconds))
  const signature = Buffer.concat([time, signer.sign(cosignedMessage(text, BigInt(atSeconds)))])
  return { name: signer.key.name, keyId: signer.key.id, signature }
}

/** One cosignature by each of `witnesses`; a fault when one did not cosign the note, or not rightly. */
export function openCosignatures(
  note: Note,
  witnesses: readonly VerifierKey<'witness'>[],
): readonly Cosignature[] | Fault {
  const cosignatures: Cosignature[] = []
  for (const witness of witnesses) {
    const own = note.signatures.filter((signature) => isSignatureOf(witness, signature))
    if (own.length === 0) return { fault: `is not cosigned by ${witness.name}` }
    if (!own.every(({ signature }) => fits(note.text, witness, signature)))
      return { fault: `has a cosignature of ${witness.name} that does not fit what it says` }
    cosignatures.push(...own.slice(0, 1).map(({ name, signature }) => ({ name, atSeconds: Number(timeOf(signature)) })))
  }
  return cosignatures
}

/** The cosignatures in `lines` by some of `witnesses`; a fault when there is none, or one does not fit `text`. */
export function knownCosignatures(
  text: string,
  lines: string,
  witnesses: readonly VerifierKey<'witness'>[],
): { readonly signatures: readonly NoteSignature[] } | Fault {
  const given = parseSignatures(lines) ?? []
  const isBy = (witness: VerifierKey<'witness'>) => given.some((signature) => isSignatureOf(witness, signature))
  const known = witnesses.filter(isBy)
  if (known.length === 0) return { fault: 'has no cosignature by a known witness' }
  const signatures = given.filter((signature) => known.some((witness) => isSignatureOf(witness, signature)))
  const opened = openCosignatures({ text, signatures }, known)
  return isFault(opened) ? opened : { signatures }
}

function fits(text: string, witness: VerifierKey<'witness'>, signature: Uint8Array): boolean {
  if (signature.length !== timeBytes + 64) return false
  const time = timeOf(signature)
  return time < 1n << 63n && isSignedBy(witness, cosignedMessage(text, time), signature.subarray(timeBytes))
}

function timeOf(signature: Uint8Array): bigint {
  return new DataView(signature.buffer, signature.byteOffset).getBigUint64(0)
}

function cosignedMessage(text: string, atSeconds: bigint): Uint8Array {
  return encodeText(`cosignature/v1\ntime ${atSeconds}\n${text}`)
}
