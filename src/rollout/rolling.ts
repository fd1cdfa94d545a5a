/** The rolling strategy: start first, then let old instances go, never below the floor. */

export interface RollingCounts {
  /** How many instances the fleet is to have that get requests. */
  readonly replicas: number
  /** How many it may have in all, while some are being replaced. */
  readonly ceiling: number
  readonly surge: number
  readonly floor: number
  /** How many of the wanted instances are missing. */
  readonly missing: number
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
  const room = counts.ceiling - counts.occupying
  return {
    create: Math.max(0, Math.min(counts.missing, room)),
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
