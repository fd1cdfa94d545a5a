/** Pieces of evidence, as the parts of a bundle. */
import type { EvidencePart } from '../../model/evidence.ts'

export function jsonPart(name: string, value: unknown): EvidencePart {
  return { kind: 'found', name, content: Buffer.from(`${JSON.stringify(value, null, 1)}\n`), isSecret: false }
}

export function secretJsonPart(name: string, value: unknown): EvidencePart {
  return { kind: 'found', name, content: Buffer.from(`${JSON.stringify(value, null, 1)}\n`), isSecret: true }
}

export function missingPart(name: string, reason: string): EvidencePart {
  return { kind: 'missing', name, reason }
}
