/** The key `rollout` of a service, with the defaults of its strategy filled in. */
import {
  type CanaryStep,
  defaultMaxPauseMs,
  type PrometheusGate,
  type RolloutPolicy,
  type VerdictPolicy,
} from '../model/stack.ts'
import {
  defaultCanaryVerdict,
  defaultDeadlineMs,
  defaultKeepWarmMs,
  defaultLatency,
  defaultMaxSurge,
  defaultMaxUnavailable,
  defaultStepHoldMs,
  defaultStepRequests,
  defaultSteps,
  defaultVerdict,
} from './defaults.ts'
import type { ServiceDefinition } from './definition.ts'
import { strategyOf, type RolloutDefinition } from './strategies.ts'

/** `service` has the keys of its environment. */
export function toRollout(service: ServiceDefinition): RolloutPolicy {
  const { rollout = {} } = service
  const strategy = strategyOf(service)
  const base = { ...quantitiesOf(rollout), ...limitsOf(service) }
  const keepWarmMs = rollout.keepWarm ?? defaultKeepWarmMs
  switch (strategy) {
    case 'rolling':
      return { strategy, ...base }
    case 'recreate':
      return { strategy, ...base, maxSurge: { kind: 'count', count: 0 }, maxUnavailable: { kind: 'share', share: 1 } }
    case 'blueGreen':
      return { strategy, ...base, keepWarmMs }
    case 'canary':
      return { strategy, verdict: defaultCanaryVerdict, ...base, keepWarmMs, steps: toSteps(rollout.steps) }
  }
}

function quantitiesOf({
  maxSurge,
  maxUnavailable,
}: RolloutDefinition): Pick<RolloutPolicy, 'maxSurge' | 'maxUnavailable'> {
  return { maxSurge: maxSurge ?? defaultMaxSurge, maxUnavailable: maxUnavailable ?? defaultMaxUnavailable }
}

function limitsOf(service: ServiceDefinition): Pick<RolloutPolicy, 'deadlineMs' | 'verdict' | 'maxPauseMs'> {
  const { deadline, verdict, maxPause } = service.rollout ?? {}
  return {
    deadlineMs: deadline ?? defaultDeadlineMs,
    ...(verdict && { verdict: toVerdict(verdict, service.route !== undefined) }),
    ...(maxPause !== undefined && maxPause !== defaultMaxPauseMs && { maxPauseMs: maxPause }),
  }
}

function toSteps(steps: RolloutDefinition['steps']): readonly CanaryStep[] {
  if (!steps) return defaultSteps
  return steps.map(({ share, for: holdMs = defaultStepHoldMs, requests = defaultStepRequests }) => ({
    share,
    holdMs,
    requests,
  }))
}

function toVerdict(verdict: VerdictDefinition, isRouted: boolean): VerdictPolicy {
  const { window, requests, errors, latency, prometheus } = verdict
  return {
    windowMs: window ?? defaultVerdict.windowMs,
    requests: requests ?? (isRouted ? defaultVerdict.requests : 0),
    errors: errors ?? defaultVerdict.errors,
    ...(latency && { latency: toLatency(latency) }),
    ...(prometheus && { prometheus: prometheus.map(toGate) }),
  }
}

type VerdictDefinition = NonNullable<RolloutDefinition['verdict']>

function toLatency(latency: NonNullable<VerdictDefinition['latency']>): NonNullable<VerdictPolicy['latency']> {
  return {
    percentile: latency.percentile ?? defaultLatency.percentile,
    tolerance: latency.tolerance ?? defaultLatency.tolerance,
  }
}

function toGate({ name, url, query, min, max }: NonNullable<VerdictDefinition['prometheus']>[number]): PrometheusGate {
  return { name, url, query, ...(min !== undefined && { min }), ...(max !== undefined && { max }) }
}
