/** The definition that parsed, for one environment, with defaults filled in: a `Stack`. */
import { dirname, resolve } from 'node:path'
import {
  defaultEscalation,
  defaultHistory,
  defaultLifetime,
  type EscalationPolicy,
  type GuardPolicy,
  type ImageSource,
  type Lifetime,
  type Route,
  type ServiceSpec,
  type Stack,
} from '../model/stack.ts'
import type { Health, Resources } from '../model/version.ts'
import { defaultDrainMs, defaultReplicas, defaultResources, defaultRoutePath, defaultTiming } from './defaults.ts'
import type { ServiceDefinition, StackDefinition } from './definition.ts'
import type { RouteDefinition } from './route-definition.ts'
import { applyOverride, overrideOf } from './environments.ts'
import { toLimits } from './resources-definition.ts'
import { toNotifications } from './interpret-notifications.ts'
import { toRollout } from './interpret-rollout.ts'

/** `folder` is the stack file's: relative paths start there. The definition has been checked. */
export function interpret(definition: StackDefinition, environment: string, folder: string): Stack {
  const services = Object.entries(definition.services).map(([name, service]) => {
    const merged = applyOverride(service, overrideOf(definition, environment, name))
    return [name, toService(merged, folder)] as const
  })
  const notifications = toNotifications(definition, environment, folder)
  return {
    stack: definition.stack,
    environment,
    services: Object.fromEntries(services),
    ...(definition.rollback === 'service' && { rollback: definition.rollback }),
    ...(notifications && { notifications }),
  }
}

function toService(service: ServiceDefinition, folder: string): ServiceSpec {
  const { command, user, port, data, standby, dependsOn, history, rehearsal, lifetime, guard } = service
  return {
    image: toImageSource(service, folder),
    ...(command && { command }),
    environment: service.environment ?? {},
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    routes: routesOf(service).map((route) => toRoute(route, folder)),
    health: toHealth(service),
    resources: toResources(service),
    tmpfs: [...(service.tmpfs ?? [])].toSorted(),
    ...(data && Object.keys(data).length > 0 && { data }),
    replicas: service.replicas ?? defaultReplicas,
    ...(standby && { standby }),
    rollout: toRollout(service),
    ...(dependsOn && dependsOn.length > 0 && { dependsOn: dependsOn.toSorted() }),
    ...(history !== undefined && history !== defaultHistory && { history }),
    ...(rehearsal && { rehearsal: { everyMs: rehearsal.every } }),
    ...(lifetime && { lifetime: toLifetime(lifetime) }),
    ...(guard?.executables && { executables: guard.executables.toSorted() }),
    ...(guard && (guard.escalation ?? guard.memory) && { guard: toGuard(guard) }),
    drainMs: service.drain ?? defaultDrainMs,
  }
}

export function routesOf(service: Pick<ServiceDefinition, 'route'>): readonly RouteDefinition[] {
  if (service.route === undefined) return []
  return Array.isArray(service.route) ? service.route : [service.route]
}

function toImageSource({ image, build }: ServiceDefinition, folder: string): ImageSource {
  if (!build) return { kind: 'reference', reference: image ?? '' }
  const dockerfile = resolve(folder, build.dockerfile)
  return {
    kind: 'build',
    dockerfile,
    context: build.context === undefined ? dirname(dockerfile) : resolve(folder, build.context),
    arguments: build.arguments ?? {},
  }
}

function toRoute({ listen, host, path, tls }: RouteDefinition, folder: string): Route {
  return {
    listen,
    ...(host !== undefined && { host }),
    path: path ?? defaultRoutePath,
    ...(tls && { tls: { certificate: resolve(folder, tls.certificate), key: resolve(folder, tls.key) } }),
  }
}

function toHealth({ health = {}, port }: ServiceDefinition): Health {
  const timing = {
    intervalMs: health.interval ?? defaultTiming.intervalMs,
    timeoutMs: health.timeout ?? defaultTiming.timeoutMs,
    healthyAfter: health.healthyAfter ?? defaultTiming.healthyAfter,
    unhealthyAfter: health.unhealthyAfter ?? defaultTiming.unhealthyAfter,
  }
  if (health.http !== undefined) return { kind: 'http', path: health.http, ...timing }
  return { kind: port === undefined ? 'process' : 'tcp', ...timing }
}

function toLifetime({ max, jitter }: NonNullable<ServiceDefinition['lifetime']>): Lifetime {
  return { maxMs: max ?? defaultLifetime.maxMs, jitter: jitter ?? defaultLifetime.jitter }
}

type GuardDefinition = NonNullable<ServiceDefinition['guard']>

function toGuard({ escalation, memory }: GuardDefinition): GuardPolicy {
  return {
    ...(escalation && { escalation: toEscalation(escalation) }),
    ...(memory && { memory: true }),
  }
}

function toEscalation({ after, within, action, limits }: NonNullable<GuardDefinition['escalation']>): EscalationPolicy {
  return {
    after: after ?? defaultEscalation.after,
    withinMs: within ?? defaultEscalation.withinMs,
    action: action ?? defaultEscalation.action,
    ...(limits && { limits: toLimits(limits) }),
  }
}

function toResources({ resources = {} }: ServiceDefinition): Resources {
  return { ...defaultResources, ...toLimits(resources) }
}
