/** The rolling strategy: start first, then let old instances go, never below the floor. */

export interface RollingCounts {
  readonly replicas: number
  readonly surge: number
  readonly floor: number
  /** Instances of the wanted version that stay, ready or on their way to it. */
  readonly current: number
  /** Instances that take up room: all that run or will, but for those that leave or are unhealthy. */
  readonly occupying: number
  /** Instances of any version that serve now. */
  readonly ready: number
}

export interface RollingMoves {
  readonly create: number
  /** How many of the ready instances that are no longer wanted may go out of rotation now. */
  readonly release: number
}

export function rollingMoves(counts: RollingCounts): RollingMoves {
  const missing = counts.replicas - counts.current
  const room = counts.replicas + counts.surge - counts.occupying
  return {
    create: Math.max(0, Math.min(missing, room)),
    release: Math.max(0, counts.ready - counts.floor),
  }
}
