/**
 * How long answers took, in buckets that grow by a constant factor, so that any percentile is right within 5 % at any
 * scale and in bounded room (as in DDSketch: Masson, Rim and Lee 2019). Pure.
 */

const bucketsPerDoubling = 16
/** From 0.06 ms to 17 minutes; what is quicker or slower counts as that. */
const firstBucket = -4 * bucketsPerDoubling
const lastBucket = 20 * bucketsPerDoubling

export class LatencyHistogram {
  readonly #counts = new Map<number, number>()
  #total = 0

  get total(): number {
    return this.#total
  }

  count(timeMs: number, times = 1): void {
    this.#add(bucketOf(timeMs), times)
  }

  add(other: LatencyHistogram): void {
    for (const [bucket, times] of other.#counts) this.#add(bucket, times)
  }

  /** A bound that `percentile` of 100 answers kept to; undefined when there are none. */
  percentileMs(percentile: number): number | undefined {
    let rank = Math.max(1, Math.ceil((this.#total * percentile) / 100))
    for (const [bucket, times] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      rank -= times
      if (rank <= 0) return boundMs(bucket)
    }
    return undefined
  }

  /** Exact where `thresholdMs` is a percentile of some histogram; else by whole buckets. */
  slowerThan(thresholdMs: number): number {
    const threshold = bucketOf(thresholdMs)
    let slower = 0
    for (const [bucket, times] of this.#counts) if (bucket > threshold) slower += times
    return slower
  }

  #add(bucket: number, times: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + times)
    this.#total += times
  }
}

/** The least bucket whose bound is not below; a bound itself is in its own bucket. */
function bucketOf(timeMs: number): number {
  const exact = Math.log2(Math.max(timeMs, boundMs(firstBucket))) * bucketsPerDoubling
  return Math.min(Math.ceil(exact - 1e-9), lastBucket)
}

function boundMs(bucket: number): number {
  return 2 ** (bucket / bucketsPerDoubling)
}
