/** The Merkle tree of RFC 6962, section 2.1: hashes of leaves and nodes, and the head of a list. */
import { hash } from 'node:crypto'

/** 32 bytes: a SHA-256. */
export type Hash = Uint8Array

export const hashBytes = 32

const leafPrefix = 0x00
const nodePrefix = 0x01

export function leafHash(leaf: Uint8Array): Hash {
  const input = Buffer.allocUnsafe(1 + leaf.length)
  input[0] = leafPrefix
  input.set(leaf, 1)
  return hash('sha256', input, 'buffer')
}

/** Filled anew for each node: half the work of a tree is making room for what is hashed. */
const nodeInput = Buffer.alloc(1 + 2 * hashBytes, nodePrefix)

export function nodeHash(left: Hash, right: Hash): Hash {
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + hashBytes)
  return hash('sha256', nodeInput, 'buffer')
}

/**
 * The head of a tree over `hashes`, which are those of its leaves, or of whole subtrees of one size with, as the last
 * one, perhaps a smaller rest. Pairing up neighbours and carrying an odd last one along builds the tree of the RFC.
 */
export function treeHead(hashes: readonly Hash[]): Hash {
  let row = hashes
  while (row.length > 1) row = parents(row)
  return row[0] ?? hash('sha256', new Uint8Array(), 'buffer')
}

function parents(row: readonly Hash[]): readonly Hash[] {
  const above: Hash[] = []
  for (let index = 0; index < row.length; index += 2) {
    const [left, right] = [row[index]!, row[index + 1]]
    above.push(right === undefined ? left : nodeHash(left, right))
  }
  return above
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
