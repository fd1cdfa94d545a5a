/**
 * What a stack file that leaves something out gets. Limits are ceilings, not reservations: they are set so that an
 * ordinary service in any language starts, and a runaway one can't take the machine with it.
 */
import type { HealthTiming, Resources } from '../model/version.ts'
import type { RollingPolicy } from '../model/stack.ts'

/** The environment of a stack file that declares none. */
export const defaultEnvironment = 'default'

/** One success is enough: it comes from outside, after the process has opened its port. */
export const defaultTiming: HealthTiming = { intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 }

export const defaultResources: Resources = { cpuMillis: 1000, memoryBytes: 256 * 1024 ** 2, pids: 256 }

export const defaultReplicas = 1

export const defaultRollout: RollingPolicy = {
  strategy: 'rolling',
  maxSurge: { kind: 'share', share: 0.25 },
  maxUnavailable: { kind: 'count', count: 0 },
  deadlineMs: 60_000,
}

/** Long enough for slow requests; it ends as soon as the last one is done. */
export const defaultDrainMs = 30_000

export const defaultRoutePath = '/'
