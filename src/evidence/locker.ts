/**
 * The evidence locker: what was found in touched instances, a bundle each, named by its content. Nothing in it is ever
 * changed; the oldest go where it is full.
 */
import type { Readable } from 'node:stream'
import type { Evidence, EvidencePart, EvidenceSubject } from '../model/evidence.ts'

export interface EvidenceLocker {
  /** Keeps a bundle of these parts; it is there, whole, once this resolves. */
  keep(subject: EvidenceSubject, parts: AsyncIterable<EvidencePart>): Promise<Evidence>
  /** Newest first. */
  list(): Promise<readonly Evidence[]>
  /** The bundle; EVIDENCE_UNKNOWN where there is none of that digest. */
  read(digest: string): Promise<Readable>
}
