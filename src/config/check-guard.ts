/** Answers to touches that can't be carried out. Pure. */
import type { Stack } from '../model/stack.ts'
import type { Resources } from '../model/version.ts'
import type { StackDefinition } from './definition.ts'
import { placedServices, type PlacedService } from './environments.ts'
import type { Finding } from './finding.ts'
import { printSize } from './units.ts'

export function checkGuards(definition: StackDefinition, stack: Stack): readonly Finding[] {
  return placedServices(definition, stack).flatMap(checkLimits)
}

function checkLimits({ name, spec: { guard, resources }, placeOf }: PlacedService): readonly Finding[] {
  const { action, limits = {} } = guard?.escalation ?? {}
  const place = (...keys: readonly string[]) => placeOf('guard', 'escalation', ...keys)
  const said = limitNames.filter(({ limit }) => limits[limit] !== undefined)
  if (action !== 'tighten')
    return said.slice(0, 1).map(() => ({
      path: place('limits'),
      part: 'key',
      message: `guard.escalation.limits of service ${name} means nothing to the action ${action}`,
      hint: 'set `action: tighten`, or take `limits` out',
    }))
  if (said.length === 0)
    return [
      {
        path: place('action'),
        message: `service ${name} does not say to what its limits are tightened`,
        hint: 'add `limits` beside `action`, for example `limits: { cpus: 0.1, pids: 16 }`',
      },
    ]
  return said
    .filter(({ limit }) => (limits[limit] ?? 0) > resources[limit])
    .map(({ key, limit, print }) => ({
      path: place('limits', key),
      message: `${key} of service ${name} would not be tightened: ${print(limits[limit] ?? 0)} is more than the ${print(resources[limit])} that it has`,
      hint: `lower it, or raise resources.${key} of the service`,
    }))
}

const limitNames: readonly {
  readonly key: string
  readonly limit: keyof Resources
  readonly print: (value: number) => string
}[] = [
  { key: 'cpus', limit: 'cpuMillis', print: (value) => String(value / 1000) },
  { key: 'memory', limit: 'memoryBytes', print: printSize },
  { key: 'pids', limit: 'pids', print: String },
]
