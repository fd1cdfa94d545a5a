/** What the `evidence` commands share: which bundle, and its bytes. */
import type { Client } from '../api/client.ts'
import { RepaveError } from '../errors.ts'
import type { EvidenceReport } from '../model/report.ts'

/** The bundle whose digest begins so, with or without `sha256:`. */
export async function namedEvidence(client: Client, text: string): Promise<EvidenceReport> {
  const start = text.replace(/^sha256:/, '').toLowerCase()
  const named = (await client.evidence({})).filter(({ digest }) => digest.startsWith(`sha256:${start}`))
  const [evidence, other] = named
  if (evidence && !other && start !== '') return evidence
  if (evidence)
    throw new RepaveError('USAGE', `${JSON.stringify(text)} is the beginning of ${named.length} digests`, {
      hint: 'give more digits: `repave evidence list` shows them',
    })
  throw new RepaveError('EVIDENCE_UNKNOWN', `there is no evidence ${text}`, {
    hint: '`repave evidence list` lists what there is; the oldest go when there is too much of it',
  })
}

export async function bundleOf(client: Client, digest: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const stream: AsyncIterable<Uint8Array> = await client.readEvidence(digest)
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
