/** How many thousandths of each pool's requests go to lane b, kept to the request. */
import type { Lane, PoolName } from '../router.ts'

interface Split {
  toB: number
  /** What lane b is owed, in thousandths of a request. */
  owed: number
}

export class MemorySplits {
  readonly #splits = new Map<PoolName, Split>()

  set(pool: PoolName, toB: number): void {
    this.#splits.set(pool, { owed: 0, ...this.#splits.get(pool), toB })
  }

  /** Forgets all but those of `pools`. */
  keep(pools: ReadonlySet<PoolName>): void {
    for (const pool of this.#splits.keys()) if (!pools.has(pool)) this.#splits.delete(pool)
  }

  /** The splits of `pools`, but for those that give nothing to lane b. */
  of(pools: readonly PoolName[]): ReadonlyMap<PoolName, number> {
    const splits = pools.map((pool) => [pool, this.#splits.get(pool)?.toB ?? 0] as const)
    return new Map(splits.filter(([, toB]) => toB > 0))
  }

  /** The lane that the pool's next request is for. */
  next(pool: PoolName): Lane {
    const { toB, owed } = this.#splits.get(pool) ?? { toB: 0, owed: 0 }
    return owed + toB >= 1000 ? 'b' : 'a'
  }

  /** A request was given to the lane that it was for. */
  given(pool: PoolName): void {
    const split = this.#splits.get(pool)
    if (split !== undefined) split.owed = (split.owed + split.toB) % 1000
  }
}
