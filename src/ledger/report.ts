/** What a verification found. */
import type { Cosignature } from './cosignature.ts'

/**
 * `checkpoint`: it is missing, malformed, or not signed by the key.
 * `missing`, `surplus`, `unreadable`: a file, as the checkpoint's size wants it.
 * `entry`: it is not the one that was logged. `form`: it is no canonical JSON object.
 * `tile`: a file of hashes is not the one that was logged. `root`: the whole is not what the checkpoint was signed for.
 * `earlier`: the earlier checkpoint can't be used. `fork`, `truncated`: the history that it stands for is gone.
 * `blob`: a release is not what its name says. `key`: the folder carries another public key.
 * `witness`: a cosignature that is missing or wrong.
 */
export type ProblemKind =
  | 'checkpoint'
  | 'missing'
  | 'surplus'
  | 'unreadable'
  | 'entry'
  | 'form'
  | 'tile'
  | 'root'
  | 'earlier'
  | 'fork'
  | 'truncated'
  | 'witness'
  | 'blob'
  | 'key'

export interface LedgerProblem {
  /** The first entry that it is about. */
  readonly index?: number
  readonly kind: ProblemKind
  readonly message: string
}

export interface LedgerReport {
  readonly ok: boolean
  readonly origin: string
  /** 0 where there is no checkpoint to go by. */
  readonly size: number
  /** Base64, as in the checkpoint; empty where there is none. */
  readonly root: string
  /** How many entries were read and checked. */
  readonly entries: number
  /** Entries below this index may be missing: the ledger itself says so. */
  readonly prunedBefore: number
  /** When each witness that was asked for cosigned the checkpoint. */
  readonly cosignatures: readonly Cosignature[]
  /** The lowest indexes first, then those that are about no entry; at most 1,000. */
  readonly problems: readonly LedgerProblem[]
}
