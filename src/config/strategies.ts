/** Which strategy a service has, and what may be said of each. */
import type { RolloutPolicy } from '../model/stack.ts'
import type { ServiceDefinition, ServiceOverride } from './definition.ts'

export type Strategy = RolloutPolicy['strategy']
export type RolloutDefinition = NonNullable<ServiceDefinition['rollout']>

/** The strategies that a key of `rollout` means something to; any other key goes with all of them. */
const strategiesOfKey = {
  maxSurge: ['rolling', 'blueGreen', 'canary'],
  maxUnavailable: ['rolling', 'blueGreen', 'canary'],
  keepWarm: ['blueGreen', 'canary'],
  steps: ['canary'],
} as const satisfies Partial<Record<keyof RolloutDefinition, readonly Strategy[]>>

export type StrategyKey = keyof typeof strategiesOfKey

const strategyKeys = ['maxSurge', 'maxUnavailable', 'keepWarm', 'steps'] as const satisfies readonly StrategyKey[]

/** Two instances must not write to one volume at once, unless someone says that these may. */
export function strategyOf({ rollout, data }: Pick<ServiceDefinition, 'rollout' | 'data'>): Strategy {
  return rollout?.strategy ?? (data && Object.keys(data).length > 0 ? 'recreate' : 'rolling')
}

export function strategiesWith(key: StrategyKey): readonly Strategy[] {
  return strategiesOfKey[key]
}

/** The keys that `rollout` has although they mean nothing to `strategy`. */
export function unfittingKeys(rollout: RolloutDefinition | undefined, strategy: Strategy): readonly StrategyKey[] {
  return strategyKeys.filter((key) => rollout?.[key] !== undefined && !strategiesWith(key).includes(strategy))
}

/** The service's keys with the override's over them, without those of the service that another strategy has no use for. */
export function mergeRollout(service: ServiceDefinition, override: ServiceOverride): RolloutDefinition {
  const { rollout = {} } = service
  const { rollout: over = {} } = override
  const kept = { ...rollout }
  for (const key of unfittingKeys(rollout, over.strategy ?? strategyOf(service))) kept[key] = undefined
  return { ...kept, ...over, verdict: mergeVerdict(rollout.verdict, over.verdict) }
}

type VerdictDefinition = RolloutDefinition['verdict']

function mergeVerdict(verdict: VerdictDefinition, over: VerdictDefinition): VerdictDefinition {
  if (!verdict || !over) return over ?? verdict
  return { ...verdict, ...over, latency: over.latency ? { ...verdict.latency, ...over.latency } : verdict.latency }
}
