/** An evidence locker in memory: for simulations, where nobody reads what is in it. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { RepaveError } from '../../errors.ts'
import type { Evidence, EvidencePart, EvidenceSubject } from '../../model/evidence.ts'
import type { EvidenceLocker, KeptEvidence } from '../locker.ts'

interface Kept {
  readonly evidence: Evidence
  readonly bundle: Buffer
}

export class MemoryLocker implements EvidenceLocker {
  readonly #kept: Kept[] = []

  async keep(subject: EvidenceSubject, parts: AsyncIterable<EvidencePart>): Promise<KeptEvidence> {
    const all = await Array.fromAsync(parts)
    const found = all.filter((part) => part.kind === 'found')
    const missing = all.flatMap((part) => (part.kind === 'missing' ? [{ name: part.name, reason: part.reason }] : []))
    const bundle = Buffer.concat([Buffer.from(JSON.stringify(subject)), ...found.map(({ content }) => content)])
    const digest = `sha256:${createHash('sha256').update(bundle).digest('hex')}`
    const evidence = { ...subject, digest, bytes: bundle.length, missing }
    this.#kept.push({ evidence, bundle })
    return { ...evidence, removed: [] }
  }

  async list(): Promise<readonly Evidence[]> {
    return this.#kept
      .map(({ evidence }) => evidence)
      .toReversed()
      .toSorted((a, b) => b.atMs - a.atMs)
  }

  async read(digest: string): Promise<Readable> {
    const kept = this.#kept.find(({ evidence }) => evidence.digest === digest)
    if (kept) return Readable.from(kept.bundle)
    throw new RepaveError('EVIDENCE_UNKNOWN', `there is no evidence ${digest}`, {
      hint: '`repave evidence list` lists what there is',
    })
  }
}
