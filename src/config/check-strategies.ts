/** Keys of a rollout that mean nothing to its strategy, in whichever environment. Pure. */
import { own } from '../model/own.ts'
import type { ServiceDefinition, StackDefinition } from './definition.ts'
import { pathName, type Finding, type KeyPath } from './finding.ts'
import { strategiesWith, strategyOf, unfittingKeys, type RolloutDefinition, type Strategy } from './strategies.ts'

export function checkStrategies({ services, environments = {} }: StackDefinition): readonly Finding[] {
  const ofServices = Object.entries(services).flatMap(([name, service]) =>
    checkKeys(service.rollout, service, ['services', name, 'rollout']),
  )
  const ofOverrides = Object.entries(environments).flatMap(([environment, { services: overrides = {} }]) =>
    Object.entries(overrides).flatMap(([name, { rollout }]) => {
      const service = own(services, name)
      return service ? checkKeys(rollout, service, ['environments', environment, 'services', name, 'rollout']) : []
    }),
  )
  return [...ofServices, ...ofOverrides]
}

/** `rollout` is that of the service or what an environment has over it. */
function checkKeys(
  rollout: RolloutDefinition | undefined,
  service: ServiceDefinition,
  path: KeyPath,
): readonly Finding[] {
  const said = rollout?.strategy ?? service.rollout?.strategy
  const strategy = said ?? strategyOf(service)
  return unfittingKeys(rollout, strategy).map((key) => ({
    path: [...path, key],
    part: 'key',
    message: `${pathName([...path, key])} means nothing to the strategy ${strategy}${defaultWords(strategy, said !== undefined)}`,
    hint: `it goes with ${listed(strategiesWith(key))}: change \`strategy\`, or take \`${key}\` out`,
  }))
}

function defaultWords(strategy: Strategy, isSaid: boolean): string {
  if (isSaid) return ''
  return strategy === 'recreate' ? ', the default of a service with `data`' : ', the default'
}

function listed(strategies: readonly Strategy[]): string {
  return strategies.join(', ').replace(/, (?=\w+$)/, ' or ')
}
