/** What a log sends to a witness. Format: the add-checkpoint request of c2sp.org/tlog-witness. */
import { hashFromBase64, parseCount, toBase64 } from './encoding.ts'
import type { Fault } from './fault.ts'
import type { Hash } from './merkle.ts'

export interface AddCheckpoint {
  /** How many entries the log had when the witness last cosigned; 0 for never. */
  readonly oldSize: number
  readonly proof: readonly Hash[]
  /** The text of the new checkpoint. */
  readonly checkpoint: string
}

/** More than the longest proof and a checkpoint with 16 large signatures take. */
export const maxRequestBytes = 128 * 1024

/** The type of the answer that tells a log how many entries the witness knows of. */
export const sizeType = 'text/x.tlog.size'

const maxProofLines = 63

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`
}

export function parseAddCheckpoint(body: string): AddCheckpoint | Fault {
  const end = body.indexOf('\n\n')
  const [first = '', ...lines] = body.slice(0, Math.max(end, 0)).split('\n')
  const oldSize = first.startsWith('old ') ? parseCount(first.slice(4)) : undefined
  const proof = lines.map(hashFromBase64)
  if (oldSize === undefined || proof.length > maxProofLines || !proof.every((hash) => hash !== undefined))
    return { fault: 'does not begin with an old size and a consistency proof' }
  return { oldSize, proof, checkpoint: body.slice(end + 2) }
}
