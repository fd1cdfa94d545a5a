/** Entry bundles: leaves, each after its length as a big-endian uint16. Format: c2sp.org/tlog-tiles. */
import { RepaveError } from '../errors.ts'

const maxLeafBytes = 65_535
const lengthBytes = 2

export interface Bundle {
  /** The whole ones that the bytes begin with. */
  readonly leaves: readonly Uint8Array[]
  /** Whether there is nothing after them. */
  readonly isWhole: boolean
}

/** Throws LEDGER_INVALID for a leaf that the format can't hold. */
export function encodeBundle(leaves: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(leaves.flatMap((leaf) => [lengthOf(leaf), leaf]))
}

export function decodeBundle(bytes: Uint8Array): Bundle {
  const leaves: Uint8Array[] = []
  let at = 0
  while (at + lengthBytes <= bytes.length) {
    const end = at + lengthBytes + bytes[at]! * 256 + bytes[at + 1]!
    if (end > bytes.length) break
    leaves.push(bytes.subarray(at + lengthBytes, end))
    at = end
  }
  return { leaves, isWhole: at === bytes.length }
}

function lengthOf(leaf: Uint8Array): Uint8Array {
  if (leaf.length > maxLeafBytes)
    throw new RepaveError('LEDGER_INVALID', `an entry of ${leaf.length} bytes is more than a ledger can hold`, {
      hint: `record at most ${maxLeafBytes} bytes at once; keep the rest elsewhere and record its SHA-256`,
    })
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt16BE(leaf.length)
  return length
}
