/** An entry of the ledger, and its form as a leaf of the log. */
import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import type { FleetKey } from './stack.ts'
import type { VersionId } from './version.ts'

/** One thing that was decided, was about to be done, ended well or badly, or was seen. */
export interface Entry extends Partial<FleetKey> {
  readonly atMs: number
  /** `decision.up`, `create.intent`, `create.done`, `create.failed`, `rollout.started`, `instance.exited`, … */
  readonly kind: string
  /** The user name of whoever asked for it; `repave` for what the controller does by itself. */
  readonly by: string
  /** Why, or how it went. */
  readonly message: string
  readonly instance?: string
  readonly version?: VersionId
  /** Of an outcome: the sequence number of its intent. */
  readonly operation?: number
  /** Of a decision: the id of the whole release that was decided. */
  readonly release?: string
  /** Of a pruning: entries with smaller sequence numbers may be missing from the ledger's files. */
  readonly before?: number
  /** Of a ledger that was begun anew: the checkpoint of the one before. */
  readonly previous?: string
  /** What an instance printed last. It may hold anything, secrets too, and so only its digest is in the leaf. */
  readonly lines?: readonly string[]
}

const mostMessageCharacters = 4_000

/**
 * The leaf of an entry: its RFC 8785 form in UTF-8, with the SHA-256 of its lines, joined by newlines, in their place.
 * A message is cut where it is longer than people read.
 */
export function leafOf({ lines, ...entry }: Entry): Buffer {
  const message = cut(entry.message.toWellFormed(), mostMessageCharacters)
  return Buffer.from(canonicalJson({ ...entry, message, ...(lines && { linesDigest: linesDigest(lines) }) }))
}

/** The id of the release that the leaf of a decision names. */
export function releaseOfLeaf(leaf: Uint8Array): string | undefined {
  const text = Buffer.from(leaf).toString()
  if (!text.includes('"release":')) return undefined
  const { release }: Partial<Entry> = JSON.parse(text)
  return release
}

/** In hex. */
export function linesDigest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text
}
