/** What a ledger takes as an entry: the canonical JSON (RFC 8785) of an object. */
import { canonicalJson } from '../model/canonical.ts'
import { decodeText } from './encoding.ts'
import type { Fault } from './fault.ts'

export interface Entry {
  readonly value: Readonly<Record<string, unknown>>
}

export function parseEntry(leaf: Uint8Array): Entry | Fault {
  const text = decodeText(leaf)
  if (text === undefined) return { fault: 'is not UTF-8 text' }
  const value = parseCanonical(text)
  if (value === undefined) return { fault: 'is not canonical JSON (RFC 8785)' }
  return isRecord(value) ? { value } : { fault: 'is not a JSON object' }
}

/**
 * The index below which entries may be missing, where this entry is the one that says so. It is on the record
 * before anything is removed, so that what is missing is either announced or lost.
 */
export function prunedBefore({ value }: Entry): number | undefined {
  const { kind, before } = value
  return kind === 'ledger.pruned' && typeof before === 'number' && Number.isSafeInteger(before) ? before : undefined
}

function parseCanonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return canonicalJson(value) === text ? value : undefined
  } catch {
    // No JSON, nothing that JSON can carry, or nested deeper than the stack goes.
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
