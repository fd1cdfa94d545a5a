/**
 * What a stack file that leaves something out gets. Limits are ceilings, not reservations: they are set so that an
 * ordinary service in any language starts, and a runaway one can't take the machine with it.
 */
import type { HealthTiming, Resources } from '../model/version.ts'
import type { CanaryStep, Quantity, VerdictPolicy } from '../model/stack.ts'

/** The environment of a stack file that declares none. */
export const defaultEnvironment = 'default'

/** One success is enough: it comes from outside, after the process has opened its port. */
export const defaultTiming: HealthTiming = { intervalMs: 1000, timeoutMs: 1000, healthyAfter: 1, unhealthyAfter: 3 }

export const defaultResources: Resources = { cpuMillis: 1000, memoryBytes: 256 * 1024 ** 2, pids: 256 }

export const defaultReplicas = 1

export const defaultMaxSurge: Quantity = { kind: 'share', share: 0.25 }
export const defaultMaxUnavailable: Quantity = { kind: 'count', count: 0 }
export const defaultDeadlineMs = 60_000

/** About as long as it takes people to see what their monitoring says. */
export const defaultKeepWarmMs = 600_000

export const defaultStepHoldMs = 60_000
export const defaultStepRequests = 100
export const defaultSteps: readonly CanaryStep[] = [0.05, 0.25, 0.5].map((share) => ({
  share,
  holdMs: defaultStepHoldMs,
  requests: defaultStepRequests,
}))

/** Of a verdict that is asked for. */
export const defaultVerdict = { windowMs: 30_000, requests: 100, errors: true } satisfies VerdictPolicy
/** Of a canary of which nothing is said: its steps have asked for requests already. */
export const defaultCanaryVerdict: VerdictPolicy = { ...defaultVerdict, requests: 0 }
export const defaultLatency = { percentile: 95, tolerance: 1.5 }

/** Long enough for slow requests; it ends as soon as the last one is done. */
export const defaultDrainMs = 30_000

export const defaultRoutePath = '/'
