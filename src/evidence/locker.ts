/**
 * The evidence locker: what was found in touched instances, a bundle each, named by its content. Nothing in it is ever
 * changed; the oldest go where it is full.
 */
import type { Readable } from 'node:stream'
import type { Evidence, EvidencePart, EvidenceSubject } from '../model/evidence.ts'

/** What was kept, and what had to go for it. */
export interface KeptEvidence extends Evidence {
  /** Oldest first. */
  readonly removed: readonly Evidence[]
}

export interface EvidenceLocker {
  /** Keeps a bundle of these parts; it is there, whole, once this resolves. */
  keep(subject: EvidenceSubject, parts: AsyncIterable<EvidencePart>): Promise<KeptEvidence>
  /** Newest first. */
  list(): Promise<readonly Evidence[]>
  /** The bundle; EVIDENCE_UNKNOWN where there is none of that digest, EVIDENCE_INVALID where it is not what was kept. */
  read(digest: string): Promise<Readable>
}
