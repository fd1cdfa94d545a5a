/**
 * Which instances are as old as they may be (promise 5). Pure.
 *
 * A fleet that was born together must not end together: each instance has a deadline of its own, drawn from its name, and
 * where many deadlines meet, the first ones go so much earlier that the last one is not late.
 */
import { createHash } from 'node:crypto'
import type { Lifetime } from '../model/stack.ts'

export interface Aged {
  readonly name: string
  /** On the clock by which it is to end. */
  readonly bornAtMs: number
  /** What tells it from others of its name. */
  readonly identity: string
}

export interface LifetimeRule extends Lifetime {
  /** How long one replacement keeps its place, as far as is known. */
  readonly paceMs: number
  /** How many are replaced at a time. */
  readonly slots: number
}

/** When an instance must have been replaced: between `max` less its jitter, and `max`. */
export function deadlineMs({ bornAtMs, identity }: Aged, { maxMs, jitter }: Lifetime): number {
  return bornAtMs + maxMs * (1 - jitter * fraction(identity))
}

/**
 * When the replacement of each has to begin, by name: the last one just in time, those before it so much earlier. None
 * goes in the first half of its time: where so many can't be replaced in the other half, some grow too old.
 */
export function beginnings(instances: readonly Aged[], rule: LifetimeRule): ReadonlyMap<string, number> {
  const { paceMs, slots } = rule
  const latestFirst = instances
    .map((instance) => ({ ...instance, endMs: deadlineMs(instance, rule) }))
    .toSorted((a, b) => b.endMs - a.endMs || (a.name < b.name ? -1 : 1))
  const begins = new Map<string, number>()
  /** When each of the places is taken by a later one. */
  const taken = Array.from({ length: Math.max(1, slots) }, () => Infinity)
  for (const [index, { name, bornAtMs, endMs }] of latestFirst.entries()) {
    const place = index % taken.length
    const beginMs = Math.min(endMs, taken[place]!) - paceMs
    taken[place] = beginMs
    begins.set(name, Math.max(beginMs, (bornAtMs + endMs) / 2))
  }
  return begins
}

/** Between 0 and 1, the same for the same text. */
function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32
}
