/** Chance as an argument: whatever draws lots says so in its constructor. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface Random {
  /** In [0, 1). */
  next(): number
  /** In [0, bound), whole. */
  integer(bound: number): number
  /** One of `items`, of which there must be at least one. */
  pick<Item>(items: readonly Item[]): Item
}

export const systemRandom: Random = {
  next: () => Math.random(),
  integer: (bound) => Math.floor(Math.random() * bound),
  pick: (items) => chosen(items, Math.floor(Math.random() * items.length)),
}

/** The same sequence for the same seed, on every machine. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed)
  const integer = (bound: number) => uniformInt(generator, 0, bound - 1)
  return {
    next: () => uniformFloat64(generator),
    integer,
    pick: (items) => chosen(items, items.length === 0 ? 0 : integer(items.length)),
  }
}

function chosen<Item>(items: readonly Item[], index: number): Item {
  for (const item of items.slice(index)) return item
  throw new RangeError('nothing to pick from')
}
