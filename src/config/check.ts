/** What a stack file can get wrong although each of its keys is right. Pure. */
import { isAbsolute, relative, resolve, dirname } from 'node:path'
import { resolveQuantity, type ServiceSpec, type Stack } from '../model/stack.ts'
import type { ServiceDefinition, StackDefinition } from './definition.ts'
import { originOf } from './environments.ts'
import { choices, suggestion, type Finding } from './finding.ts'
import { checkRoutes } from './check-routes.ts'
import { printDuration, printQuantity } from './units.ts'

/** `stack` is what `definition` means for its environment. */
export function checkStack(definition: StackDefinition, stack: Stack): readonly Finding[] {
  return [
    ...checkOverrides(definition),
    ...Object.entries(definition.services).flatMap(([name, service]) => checkService(name, service)),
    ...Object.entries(stack.services).flatMap(([name, spec]) => [
      ...checkFloor(definition, stack.environment, name, spec),
      ...checkDeadline(definition, stack.environment, name, spec),
    ]),
    ...checkRoutes(definition, stack),
  ]
}

function checkOverrides(definition: StackDefinition): readonly Finding[] {
  const known = Object.keys(definition.services)
  return Object.entries(definition.environments ?? {}).flatMap(([environment, { services = {} }]) =>
    Object.keys(services)
      .filter((service) => !known.includes(service))
      .map((service) => ({
        path: ['environments', environment, 'services', service],
        part: 'key' as const,
        message: `environment ${environment} names a service ${JSON.stringify(service)} that the stack does not have${suggestion(service, known)}`,
        hint: choices(known, 'services'),
      })),
  )
}

function checkService(name: string, service: ServiceDefinition): readonly Finding[] {
  return [
    ...checkImage(name, service),
    ...checkBuildPaths(name, service),
    ...checkHealth(name, service),
    ...checkTmpfs(name, service),
  ]
}

function checkImage(name: string, { image, build, port, command }: ServiceDefinition): readonly Finding[] {
  const path = ['services', name]
  const findings: Finding[] = []
  if (image === undefined && build === undefined)
    findings.push({
      path,
      message: `service ${name} has no image`,
      hint: 'add `image: NAME`, or `build: { dockerfile: ./Dockerfile }`',
    })
  if (image !== undefined && build !== undefined)
    findings.push({
      path: [...path, 'build'],
      part: 'key',
      message: `service ${name} has both \`image\` and \`build\``,
      hint: 'keep the one that is meant',
    })
  if (port === undefined && command === undefined)
    findings.push({
      path,
      message: `service ${name} has neither a port nor a command`,
      hint: 'add the `port` that it serves on, or the `command` that it runs',
    })
  return findings
}

function checkBuildPaths(name: string, { build }: ServiceDefinition): readonly Finding[] {
  if (!build) return []
  const context = build.context ?? dirname(build.dockerfile)
  const escaping = [
    { key: 'dockerfile', value: build.dockerfile },
    { key: 'context', value: build.context ?? '.' },
  ].filter(({ value }) => isAbsolute(value) || isOutside(resolve('/top', value), '/top'))
  if (escaping.length > 0) return escaping.map(({ key, value }) => pathEscapes(['services', name, 'build', key], value))
  if (!isOutside(resolve('/top', build.dockerfile), resolve('/top', context))) return []
  return [
    {
      path: ['services', name, 'build', 'dockerfile'],
      message: `the Dockerfile of service ${name} is outside its build context ${context}`,
      hint: 'move it into the context, or widen `context`',
    },
  ]
}

/** Whether `path` is neither `folder` nor below it; both absolute. */
export function isOutside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '..' || way.startsWith('../') || isAbsolute(way)
}

export function pathEscapes(path: Finding['path'], value: string): Finding {
  return {
    code: 'PATH_ESCAPES',
    path,
    message: `${path.join('.')} leads out of the folder of the stack file: ${JSON.stringify(value)}`,
    hint: 'a build may read only what is beside or below the stack file: move the files, or the stack file',
  }
}

function checkHealth(name: string, { health = {}, port }: ServiceDefinition): readonly Finding[] {
  const path = ['services', name, 'health']
  if (health.http !== undefined && health.tcp !== undefined)
    return [
      {
        path: [...path, 'tcp'],
        part: 'key',
        message: `service ${name} has two kinds of health check`,
        hint: 'keep `http` or `tcp`',
      },
    ]
  const kind = health.http === undefined ? 'tcp' : 'http'
  if (port !== undefined || health[kind] === undefined) return []
  return [
    {
      path: [...path, kind],
      part: 'key',
      message: `service ${name} has a health check over ${kind} but no port`,
      hint: `add \`port\` to the service, or take \`${kind}\` out: it is then healthy as long as its process lives`,
    },
  ]
}

function checkTmpfs(name: string, { tmpfs = [] }: ServiceDefinition): readonly Finding[] {
  return tmpfs.flatMap((place, index) =>
    tmpfs.indexOf(place) === index
      ? []
      : [
          {
            path: ['services', name, 'tmpfs', index],
            message: `service ${name} lists the writable path ${place} twice`,
            hint: 'keep one of the two',
          },
        ],
  )
}

function checkFloor(
  definition: StackDefinition,
  environment: string,
  name: string,
  { replicas, rollout }: ServiceSpec,
): readonly Finding[] {
  if (replicas === 0) return []
  const surge = resolveQuantity(rollout.maxSurge, replicas, 'up')
  const missing = resolveQuantity(rollout.maxUnavailable, replicas, 'down')
  const { path } = originOf(definition, environment, name, ['rollout', 'maxUnavailable'])
  if (surge === 0 && missing === 0)
    return [
      {
        path: originOf(definition, environment, name, ['rollout', 'maxSurge']).path,
        message: `service ${name} could never be replaced: maxSurge ${printQuantity(rollout.maxSurge)} and maxUnavailable ${printQuantity(rollout.maxUnavailable)} of ${replicas} replicas leave no room`,
        hint: 'allow at least one instance of either; maxSurge keeps the capacity whole',
      },
    ]
  // A share of 100% says openly that all may be missing; a count may only have become all of them by chance.
  if (rollout.maxUnavailable.kind === 'share' || missing < replicas) return []
  return [
    {
      path,
      message: `service ${name} would have no floor: maxUnavailable ${missing} is all of its ${replicas} replicas`,
      hint: `use less than ${replicas}, or write 100% if all may be missing at once`,
    },
  ]
}

function checkDeadline(
  definition: StackDefinition,
  environment: string,
  name: string,
  { health, rollout }: ServiceSpec,
): readonly Finding[] {
  // A process is looked at for the first time after an interval.
  const needed = health.intervalMs * (health.kind === 'process' ? health.healthyAfter : health.healthyAfter - 1)
  if (needed < rollout.deadlineMs) return []
  return [
    {
      path: originOf(definition, environment, name, ['rollout', 'deadline']).path,
      message: `service ${name} could never become healthy in time: ${health.healthyAfter} probes every ${printDuration(health.intervalMs)} take longer than the rollout deadline of ${printDuration(rollout.deadlineMs)}`,
      hint: 'raise rollout.deadline, or lower health.interval or health.healthyAfter',
    },
  ]
}
