/** Environments for people. What is wrong stands out, with its reason. Pure. */
import type {
  GuardStatus,
  InstanceState,
  RefusalReport,
  RolloutStatus,
  ServiceStatus,
  StatusReport,
} from '../../model/report.ts'
import { age, agoMs, digits, printable, type Style, table } from './text.ts'

export function renderStatus(status: StatusReport, nowMs: number, style: Style): readonly string[] {
  const urls = Map.groupBy(status.routes, ({ service }) => service)
  return [
    style.bold(`${status.stack}/${status.environment}`),
    ...(status.problems ?? []).map(({ message, hint }) => `  ${style.red('problem:')} ${printable(message)} (${hint})`),
    ...(status.guard ? guardLines(status.guard, nowMs, style) : []),
    ...(status.services.length === 0 ? ['  nothing runs'] : []),
    ...status.services.flatMap((service) => [
      '',
      ...renderService(
        service,
        (urls.get(service.service) ?? []).map(({ url }) => url),
        nowMs,
        style,
      ),
    ]),
  ]
}

function renderService(
  service: ServiceStatus,
  urls: readonly string[],
  nowMs: number,
  style: Style,
): readonly string[] {
  return [
    `  ${style.bold(service.service)}  ${service.version ?? 'no version'}  ${readiness(service, style)}`,
    ...urls.map((url) => `    ${style.cyan(url)}`),
    ...(service.rollout ? [`    ${rolloutLine(service.rollout, nowMs, style)}`] : []),
    ...(service.warm ? [`    ${style.dim(warmWords(service.warm, nowMs))}`] : []),
    ...(service.refusal ? [`    ${refusalLine(service.refusal, nowMs, style)}`] : []),
    ...(service.backoff ? [`    ${crashLoopLine(service.backoff, nowMs, style)}`] : []),
    ...(service.escalation ? [`    ${escalationLine(service.service, service.escalation, nowMs, style)}`] : []),
    ...(service.overdue ? [`    ${style.red(`overdue: ${service.overdue.join(', ')}`)}`] : []),
    ...instanceTable(service, style),
  ]
}

function guardLines(guard: GuardStatus, nowMs: number, style: Style): readonly string[] {
  const { tamperToClean, exposureSeconds, suspicion, unseen } = guard
  const figures = [
    ...(exposureSeconds === undefined ? [] : [`oldest that serves: ${age(exposureSeconds)}`]),
    ...(tamperToClean ? [`tamper to clean: ${tamperToClean.medianMs} ms (median of ${tamperToClean.count})`] : []),
  ]
  const since = suspicion && `${age(agoMs(suspicion.at, nowMs) / 1000)} ago`
  return [
    ...(figures.length > 0 ? [`  ${style.dim(figures.join(', '))}`] : []),
    ...(suspicion
      ? [`  ${style.red(`since ${since}: ${suspicion.message}; look, then \`repave acknowledge --reason …\``)}`]
      : []),
    ...(unseen.length > 0
      ? [
          `  ${style.yellow(`not watched here: ${unseen.map(({ layer }) => layer).join(', ')}`)} (\`repave doctor\` says why)`,
        ]
      : []),
  ]
}

function escalationLine(
  service: string,
  { at, message, heldUntil }: NonNullable<ServiceStatus['escalation']>,
  nowMs: number,
  style: Style,
): string {
  const since = `${age(agoMs(at, nowMs) / 1000)} ago`
  const held =
    heldUntil === undefined ? '' : `; nothing new for another ${age(Math.max(0, -agoMs(heldUntil, nowMs)) / 1000)}`
  return style.red(`escalated ${since}: ${message}${held}; \`repave acknowledge ${service} --reason …\` ends it`)
}

function readiness(service: ServiceStatus, style: Style): string {
  const { ready, serving, desired } = service
  const text = `${ready}/${desired} ${readyWords(service)}`
  if (ready >= desired) return style.green(text)
  return serving >= desired ? style.yellow(text) : style.red(text)
}

/** `ready`, and how many serve where those are not all of the version. */
export function readyWords({ ready, serving }: Pick<ServiceStatus, 'ready' | 'serving'>): string {
  return serving === ready ? 'ready' : `ready, ${serving} ${serving === 1 ? 'serves' : 'serve'}`
}

function rolloutLine(rollout: RolloutStatus, nowMs: number, style: Style): string {
  const { from, to, state, startedAt, endedAt, reason } = rollout
  const path = from === null ? to : `${from} → ${to}`
  const since = `${age(agoMs(endedAt ?? startedAt, nowMs) / 1000)} ago`
  if (state === 'running') return style.yellow(`rollout ${path} ${runningWords(rollout, nowMs)}, started ${since}`)
  return style.red(`rollout ${path} ${state} ${since}${reason === undefined ? '' : `: ${printable(reason)}`}`)
}

function runningWords(rollout: RolloutStatus, nowMs: number): string {
  const { pausedAt } = rollout
  const since = pausedAt === undefined ? '' : ` ${age(agoMs(pausedAt, nowMs) / 1000)} ago`
  return `${stageWords(rollout)}${since}`
}

/** `canary, stage 1 of 4, 5 % of the requests, paused` */
export function stageWords({ strategy, stage, share, pausedAt, waitsFor }: RolloutStatus): string {
  return [
    strategy ?? 'running',
    ...(waitsFor ? [`waits for ${waitsFor.join(', ')}`] : []),
    ...(stage ? [`stage ${stage.number} of ${stage.of}`] : []),
    ...(share === undefined ? [] : [`${share} % of the requests`]),
    ...(pausedAt === undefined ? [] : ['paused']),
  ].join(', ')
}

function warmWords({ version, until }: NonNullable<ServiceStatus['warm']>, nowMs: number): string {
  return `${version} is warm for another ${age(Math.max(0, -agoMs(until, nowMs)) / 1000)}`
}

function refusalLine({ id, by, at, reason }: RefusalReport, nowMs: number, style: Style): string {
  const words = `refused ${age(agoMs(at, nowMs) / 1000)} ago by ${printable(by)}: ${printable(reason)} (refusal ${id})`
  return style.red(`${words}; what runs serves on, and no further instance is made`)
}

function crashLoopLine(
  { failures, nextTryAt, lastExit }: NonNullable<ServiceStatus['backoff']>,
  nowMs: number,
  style: Style,
): string {
  const seconds = Math.max(0, -agoMs(nextTryAt, nowMs) / 1000)
  const last = lastExit === undefined ? '' : `, last: ${printable(lastExit)}`
  return style.red(`crash loop: ${failures} deaths in a row${last}; next try in ${age(seconds)}`)
}

function instanceTable({ instances }: ServiceStatus, style: Style): readonly string[] {
  if (instances.length === 0) return []
  const head = ['INSTANCE', 'VERSION', 'STATE', 'AGE', 'ADDRESS'].map((title) => style.dim(title))
  const rows = instances.map(({ name, version, state, ageSeconds, address, detail }) => [
    name,
    digits(version),
    stateWord(state, style),
    age(ageSeconds),
    address ?? '-',
    state === 'ready' || detail === undefined ? '' : style.dim(printable(detail)),
  ])
  return table([head, ...rows], '    ')
}

export function stateWord(state: InstanceState, style: Style): string {
  switch (state) {
    case 'ready':
    case 'standby':
    case 'warm':
      return style.green(state)
    case 'created':
    case 'starting':
    case 'draining':
    case 'stopping':
      return style.yellow(state)
    case 'unhealthy':
    case 'tainted':
    case 'cordoned':
    case 'exited':
      return style.red(state)
  }
}
