/** One stage of a rollout that moves traffic by shares. */

/** First `count` instances of the new version are prepared, then they get their share, and then that is held. */
export interface Stage {
  readonly count: number
  /** Thousandths of the requests. */
  readonly share: number
  readonly holdMs: number
  /** The least number of answers of the new version while it is held. */
  readonly requests: number
}

/** All of the requests, in thousandths. */
export const allRequests = 1_000
