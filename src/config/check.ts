/** What a stack file can get wrong although each of its keys is right. Pure. */
import { isAbsolute, relative, resolve, dirname } from 'node:path'
import type { Stack } from '../model/stack.ts'
import { checkData, checkTmpfs, checkVolumeNames } from './check-data.ts'
import { checkDependencies } from './check-dependencies.ts'
import { checkGuards } from './check-guard.ts'
import { checkRollouts } from './check-rollout.ts'
import { checkRoutes } from './check-routes.ts'
import { checkStrategies } from './check-strategies.ts'
import type { ServiceDefinition, StackDefinition } from './definition.ts'
import { choices, suggestion, type Finding } from './finding.ts'

/** `stack` is what `definition` means for its environment. */
export function checkStack(definition: StackDefinition, stack: Stack): readonly Finding[] {
  return [
    ...checkOverrides(definition),
    ...Object.entries(definition.services).flatMap(([name, service]) => checkService(name, service)),
    ...checkVolumeNames(definition),
    ...checkDependencies(definition),
    ...checkStrategies(definition),
    ...checkRollouts(definition, stack),
    ...checkGuards(definition, stack),
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
    ...checkData(name, service),
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
