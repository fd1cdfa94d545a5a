/** Proofs that a tree holds a leaf, and that it holds an earlier tree: RFC 6962, section 2.1; checks: RFC 9162. */
import { equalBytes, type Hash, nodeHash } from './merkle.ts'

/** The leaves from `start` up to, but without, `end`; a proof is the heads of some such ranges. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Whose heads prove that a tree of `size` leaves holds the one at `index`: RFC 6962, section 2.1.1. */
export function inclusionPath(index: number, size: number): readonly Range[] {
  const path: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const split = start + greatestPowerBelow(end - start)
    if (index < split) {
      path.push({ start: split, end })
      end = split
    } else {
      path.push({ start, end: split })
      start = split
    }
  }
  return path.toReversed()
}

/** Whose heads prove that a tree of `size` leaves begins with one of `earlier`: RFC 6962, section 2.1.2. */
export function consistencyPath(earlier: number, size: number): readonly Range[] {
  if (earlier === 0 || earlier === size) return []
  const path: Range[] = []
  let [start, end] = [0, size]
  while (end !== earlier) {
    const split = start + greatestPowerBelow(end - start)
    if (earlier <= split) {
      path.push({ start: split, end })
      end = split
    } else {
      path.push({ start, end: split })
      start = split
    }
  }
  // A tree that the earlier head is a whole part of on the left needs no more than that head.
  if (start > 0) path.push({ start, end })
  return path.toReversed()
}

/** The greatest power of two that is less than `count`, which is at least 2. */
function greatestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

/** RFC 9162, section 2.1.3.2. */
export function includes(
  root: Hash,
  size: number,
  leaf: { readonly index: number; readonly hash: Hash },
  proof: readonly Hash[],
): boolean {
  if (leaf.index >= size) return false
  let [node, last, head] = [leaf.index, size - 1, leaf.hash]
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      head = nodeHash(sibling, head)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else head = nodeHash(head, sibling)
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && equalBytes(head, root)
}

interface Head {
  readonly size: number
  readonly root: Hash
}

/** RFC 9162, section 2.1.4.2; any tree begins with the empty one, which takes no proof. */
export function extendsTree(earlier: Head, later: Head, proof: readonly Hash[]): boolean {
  if (earlier.size > later.size) return false
  if (earlier.size === later.size) return proof.length === 0 && equalBytes(earlier.root, later.root)
  if (earlier.size === 0) return proof.length === 0
  const [first, ...rest] = isPowerOfTwo(earlier.size) ? [earlier.root, ...proof] : proof
  return first !== undefined && foldsToBoth(earlier, later, first, rest)
}

function foldsToBoth(earlier: Head, later: Head, first: Hash, rest: readonly Hash[]): boolean {
  let [node, last] = [earlier.size - 1, later.size - 1]
  while (isOdd(node)) [node, last] = [half(node), half(last)]
  let [earlierHead, laterHead] = [first, first]
  for (const sibling of rest) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      earlierHead = nodeHash(sibling, earlierHead)
      laterHead = nodeHash(sibling, laterHead)
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)]
    } else laterHead = nodeHash(laterHead, sibling)
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && equalBytes(earlierHead, earlier.root) && equalBytes(laterHead, later.root)
}

// Not with bit operators: these see only the lower 32 bits of a number.

function isOdd(count: number): boolean {
  return count % 2 === 1
}

function half(count: number): number {
  return Math.floor(count / 2)
}

function isPowerOfTwo(count: number): boolean {
  let rest = count
  while (rest > 1 && !isOdd(rest)) rest = half(rest)
  return rest === 1
}
