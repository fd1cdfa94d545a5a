/** Where each value of a stack comes from: `plan --explain`. Pure. */
import { own } from '../model/own.ts'
import { routeUrl } from '../model/route.ts'
import { defaultEscalation, defaultHistory, defaultLifetime, type ServiceSpec, type Stack } from '../model/stack.ts'
import type { Health, Resources } from '../model/version.ts'
import type { StackDefinition } from './definition.ts'
import { originOf } from './environments.ts'
import { rolloutRows, type Row } from './explain-rollout.ts'
import { printDuration, printShare, printSize } from './units.ts'

export interface Setting {
  /** `services.web.replicas` */
  readonly path: string
  /** As the stack file would say it. */
  readonly value: string
  /** `image`: the image decides, or what it leaves open. */
  readonly source: 'default' | 'file' | 'environment' | 'image'
}

export function explainDefaults(definition: StackDefinition, stack: Stack): readonly Setting[] {
  const rollback: Setting = {
    path: 'rollback',
    value: stack.rollback ?? 'stack',
    source: definition.rollback === undefined ? 'default' : 'file',
  }
  const services = Object.entries(stack.services).flatMap(([service, spec]) =>
    rowsOf(spec).map(([keys, value, otherwise]): Setting => {
      const { source } = originOf(definition, stack.environment, service, keys.split('/'))
      const path = `services.${service}.${keys.replaceAll('/', '.')}`
      return { path, value, source: source === 'absent' ? (otherwise ?? 'default') : source }
    }),
  )
  return [...services, rollback, notificationSetting(definition, stack)]
}

function notificationSetting(definition: StackDefinition, { environment, notifications = [] }: Stack): Setting {
  const isOfEnvironment = own(definition.environments, environment)?.notifications !== undefined
  const words = notifications.map(({ url, events }) => `${url} (${events?.join(', ') ?? 'everything'})`)
  return {
    path: 'notifications',
    value: words.join(', ') || 'none: nobody is told',
    source: isOfEnvironment ? 'environment' : definition.notifications === undefined ? 'default' : 'file',
  }
}

function rowsOf(spec: ServiceSpec): readonly Row[] {
  const { image, health, resources, rollout, routes } = spec
  return [
    image.kind === 'reference' ? ['image', image.reference] : ['build', image.dockerfile],
    ['command', spec.command ? JSON.stringify(spec.command) : "the image's entrypoint and command", 'image'],
    ...Object.entries(spec.environment).map(([name, value]): Row => [`environment/${name}`, value]),
    ['user', spec.user ?? "the image's, or 65532:65532 where that is root", 'image'],
    ['port', spec.port === undefined ? 'none' : String(spec.port)],
    ['route', routes.map(routeUrl).join(', ') || 'none'],
    [`health/${health.kind}`, healthWords(health)],
    ['health/interval', printDuration(health.intervalMs)],
    ['health/timeout', printDuration(health.timeoutMs)],
    ['health/healthyAfter', String(health.healthyAfter)],
    ['health/unhealthyAfter', String(health.unhealthyAfter)],
    ...limitRows('resources', resources),
    ['tmpfs', spec.tmpfs.join(', ') || (spec.data ? 'none' : 'none: nothing is writable')],
    ...dataRows(spec.data),
    ['replicas', String(spec.replicas)],
    ['standby', String(spec.standby ?? 0)],
    ...rolloutRows(rollout),
    ['dependsOn', spec.dependsOn?.join(', ') ?? 'none'],
    ['history', String(spec.history ?? defaultHistory)],
    ['rehearsal', spec.rehearsal ? `every ${printDuration(spec.rehearsal.everyMs)}` : 'never'],
    ...lifetimeRows(spec),
    ...guardRows(spec),
    ['drain', printDuration(spec.drainMs)],
  ]
}

function lifetimeRows({ lifetime = defaultLifetime }: ServiceSpec): readonly Row[] {
  return [
    ['lifetime/max', printDuration(lifetime.maxMs)],
    ['lifetime/jitter', printShare(lifetime.jitter)],
  ]
}

function guardRows({ guard = {}, executables }: ServiceSpec): readonly Row[] {
  const { escalation = defaultEscalation, memory = false } = guard
  return [
    ['guard/escalation/after', String(escalation.after)],
    ['guard/escalation/within', printDuration(escalation.withinMs)],
    ['guard/escalation/action', escalation.action],
    ...limitRows('guard/escalation/limits', escalation.limits),
    ['guard/executables', executables?.join(', ') ?? 'every program of the image'],
    ['guard/memory', String(memory)],
  ]
}

function limitRows(under: string, { cpuMillis, memoryBytes, pids }: Partial<Resources> = {}): readonly Row[] {
  return [
    ...(cpuMillis === undefined ? [] : [[`${under}/cpus`, String(cpuMillis / 1000)] as const]),
    ...(memoryBytes === undefined ? [] : [[`${under}/memory`, printSize(memoryBytes)] as const]),
    ...(pids === undefined ? [] : [[`${under}/pids`, String(pids)] as const]),
  ]
}

function dataRows(data: ServiceSpec['data']): readonly Row[] {
  if (!data) return [['data', 'none: nothing outlives an instance']]
  return Object.entries(data).map(([name, path]): Row => [`data/${name}`, path])
}

function healthWords(health: Health): string {
  switch (health.kind) {
    case 'http':
      return health.path
    case 'tcp':
      return 'the port accepts a connection'
    case 'process':
      return 'its process lives'
  }
}
