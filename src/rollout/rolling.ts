/** The rolling strategy: start first, then let old instances go, never below the floor. */

export interface RollingCounts {
  readonly replicas: number
  readonly surge: number
  readonly floor: number
  /** Instances of the wanted version that stay, ready or on their way to it. */
  readonly current: number
  /** Instances that take up room: all that run or will, but for healthy ones that leave. */
  readonly occupying: number
  /** Instances of any version that serve now. */
  readonly ready: number
  /** Instances of any version that do not serve any more and are not being destroyed. */
  readonly unhealthy: number
}

export interface RollingMoves {
  readonly create: number
  /** How many of the ready instances that are no longer wanted may go out of rotation now. */
  readonly release: number
  /** How many of the unhealthy ones may be destroyed now. */
  readonly giveUp: number
}

export function rollingMoves(counts: RollingCounts): RollingMoves {
  const missing = counts.replicas - counts.current
  const room = counts.replicas + counts.surge - counts.occupying
  return {
    create: Math.max(0, Math.min(missing, room)),
    release: Math.max(0, counts.ready - counts.floor),
    giveUp: Math.max(0, counts.ready + counts.unhealthy - unhealthyKept(counts)),
  }
}

/**
 * An unhealthy instance is given up once another serves in its place, or where there is no room to start one, one at a
 * time. A machine under too much load makes many look unhealthy at once: starting all of them anew would feed the load.
 */
function unhealthyKept({ replicas, surge, floor }: RollingCounts): number {
  return surge > 0 ? replicas : Math.min(floor, replicas - 1)
}
