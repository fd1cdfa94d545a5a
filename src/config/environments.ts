/** Which environment of a stack file is meant, and what it says over the service's own keys. */
import { defaultEnvironment } from './defaults.ts'
import type { ServiceDefinition, ServiceOverride, StackDefinition } from './definition.ts'
import { choices, suggestion, type Finding, type KeyPath } from './finding.ts'
import { own } from '../model/own.ts'
import type { ServiceSpec, Stack } from '../model/stack.ts'
import { mergeRollout } from './strategies.ts'

/**
 * A file that declares no environments has one, called `default`. One that declares a single one means it; with
 * several, the name has to be said.
 */
export function chooseEnvironment(
  definition: StackDefinition,
  requested: string | undefined,
): { readonly kind: 'chosen'; readonly environment: string } | { readonly kind: 'refused'; readonly finding: Finding } {
  const declared = Object.keys(definition.environments ?? {})
  const names = declared.length === 0 ? [defaultEnvironment] : declared
  const [first] = names
  if (requested === undefined && names.length === 1 && first !== undefined)
    return { kind: 'chosen', environment: first }
  if (requested !== undefined && names.includes(requested)) return { kind: 'chosen', environment: requested }
  const path = ['environments']
  if (requested === undefined)
    return {
      kind: 'refused',
      finding: {
        code: 'USAGE',
        path,
        message: `stack ${definition.stack} has several environments: ${names.join(', ')}`,
        hint: `say which with --env NAME, for example --env ${first}`,
      },
    }
  const hint =
    declared.length === 0
      ? `the file declares no environments: leave --env out, or add \`environments: { ${requested}: {} }\``
      : choices(names, 'environments')
  const message = `stack ${definition.stack} has no environment ${JSON.stringify(requested)}${suggestion(requested, names)}`
  return { kind: 'refused', finding: { code: 'ENVIRONMENT_UNKNOWN', path, message, hint } }
}

export function overrideOf(definition: StackDefinition, environment: string, service: string): ServiceOverride {
  return own(own(definition.environments, environment)?.services, service) ?? {}
}

/** The service with the environment's keys over it: `rollout` and `environment` are merged, the others replaced. */
export function applyOverride(service: ServiceDefinition, override: ServiceOverride): ServiceDefinition {
  return {
    ...service,
    ...override,
    rollout: mergeRollout(service, override),
    environment: { ...service.environment, ...override.environment },
  }
}

/** Where the file says `keys` of a service: in the environment when that has them, else in the service itself. */
export function originOf(
  definition: StackDefinition,
  environment: string,
  service: string,
  keys: readonly string[],
): { readonly path: KeyPath; readonly source: 'environment' | 'file' | 'absent' } {
  if (has(overrideOf(definition, environment, service), keys))
    return { path: ['environments', environment, 'services', service, ...keys], source: 'environment' }
  const path = ['services', service, ...keys]
  return { path, source: has(own(definition.services, service), keys) ? 'file' : 'absent' }
}

/** A service as its environment has it. */
export interface PlacedService {
  readonly name: string
  readonly spec: ServiceSpec
  /** Where the file says a key of it. */
  readonly placeOf: (...keys: readonly string[]) => KeyPath
}

/** `stack` is what `definition` means for its environment. */
export function placedServices(definition: StackDefinition, stack: Stack): readonly PlacedService[] {
  return Object.entries(stack.services).map(([name, spec]) => ({
    name,
    spec,
    placeOf: (...keys) => originOf(definition, stack.environment, name, keys).path,
  }))
}

function has(value: unknown, keys: readonly string[]): boolean {
  const [key, ...rest] = keys
  if (key === undefined) return value !== undefined
  if (typeof value !== 'object' || value === null) return false
  return has(Object.getOwnPropertyDescriptor(value, key)?.value, rest)
}
