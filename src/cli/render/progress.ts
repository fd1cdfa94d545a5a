/** Work that is under way: one picture that is redrawn on a terminal, lines elsewhere. Pure. */
import type { InstanceStatus, PlanReport, ProgressReport, ServiceStatus } from '../../model/report.ts'
import { readyWords, stageWords, stateWord } from './status.ts'
import { fit, printable, type Style } from './text.ts'

/** What is known of the work so far. */
export interface Progress {
  readonly plan?: PlanReport
  /** The last word on the image of a service. */
  readonly images: Readonly<Record<string, string>>
  readonly services: readonly ServiceStatus[]
}

export const noProgress: Progress = { images: {}, services: [] }

export interface Canvas {
  /** `up shop/default` */
  readonly title: string
  readonly seconds: number
  readonly columns: number
  readonly rows: number
  readonly style: Style
}

const barCells = 20
/** Instances that are on their way are listed up to this many for each service. */
const maxInstances = 4

export function advance(progress: Progress, report: ProgressReport): Progress {
  switch (report.kind) {
    case 'image':
      return { ...progress, images: { ...progress.images, [report.service]: report.message } }
    case 'plan':
      return { ...progress, images: {}, plan: report.plan }
    case 'fleet':
      return { ...progress, services: report.services }
    case 'step':
    case 'lock':
    case 'result':
    case 'error':
      return progress
  }
}

/** A line for a report where output is no terminal; undefined where there is nothing to say. */
export function progressLine(report: ProgressReport): string | undefined {
  switch (report.kind) {
    case 'image':
      return `${report.service}  image  ${printable(report.message)}`
    case 'plan':
      return planLine(report.plan)
    case 'step':
      return `${report.service}  ${report.step}  ${report.instance}  ${printable(report.message)}`.trimEnd()
    case 'fleet':
    case 'lock':
    case 'result':
    case 'error':
      return undefined
  }
}

function planLine({ services, changes }: PlanReport): string | undefined {
  if (changes === 0) return undefined
  return services
    .filter(({ steps }) => steps.length > 0)
    .map(({ service, current, next, differences }) => {
      const why = differences.length > 0 ? `  (${differences.join('; ')})` : ''
      return `${service}  plan  ${current ?? 'none'} → ${next ?? 'none'}${why}`
    })
    .join('\n')
}

/** The same for rollouts that have come further since `before`, or wait, or were paused. */
export function rolloutLines(before: readonly ServiceStatus[], services: readonly ServiceStatus[]): readonly string[] {
  const known = new Map(before.map((status) => [status.service, rolloutWords(status)]))
  return services.flatMap((status) => {
    const words = rolloutWords(status)
    return words === undefined || words === known.get(status.service) ? [] : [`${status.service}  rollout  ${words}`]
  })
}

/** Undefined where the steps say it all. */
function rolloutWords({ rollout }: ServiceStatus): string | undefined {
  const { state, stage, pausedAt, waitsFor } = rollout ?? {}
  const isTold = stage !== undefined || pausedAt !== undefined || waitsFor !== undefined
  return rollout && isTold && state === 'running' ? stageWords(rollout) : undefined
}

/** At most `rows - 1` lines of at most `columns`, so that nothing wraps or scrolls. */
export function renderProgress(progress: Progress, canvas: Canvas): readonly string[] {
  const lines = [
    `${canvas.style.bold(canvas.title)}  ${canvas.seconds} s`,
    ...(isPreparing(progress) ? ['  preparing'] : []),
    ...Object.entries(progress.images).map(([service, message]) => `  ${service}  ${printable(message)}`),
    ...progress.services.flatMap((service) => renderService(service, progress.plan, canvas.style)),
  ]
  const room = Math.max(1, canvas.rows - 2)
  const shown =
    lines.length <= room ? lines : [...lines.slice(0, room - 1), `  … ${lines.length - room + 1} more lines`]
  return shown.map((line) => fit(line, canvas.columns))
}

/** Before the first word on an image: build inputs are being read, names resolved. */
function isPreparing({ plan, images, services }: Progress): boolean {
  return !plan && services.length === 0 && Object.keys(images).length === 0
}

function renderService(service: ServiceStatus, plan: PlanReport | undefined, style: Style): readonly string[] {
  const { current } = plan?.services.find(({ service: name }) => name === service.service) ?? {}
  const from = service.rollout?.from ?? current
  const to = service.version ?? 'nothing'
  const path = from && from !== service.version ? `${from} → ${to}` : to
  const onTheirWay = service.instances
    .filter(({ state }) => state !== 'ready')
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  const rest = onTheirWay.length - maxInstances
  const ready = `${service.ready}/${service.desired} ${readyWords(service)}`
  const rollout = rolloutWords(service)
  return [
    `  ${style.bold(service.service)}  ${bar(service, style)}  ${ready}  ${path}`,
    ...(rollout === undefined ? [] : [`    ${style.yellow(rollout)}`]),
    ...onTheirWay.slice(0, maxInstances).map((instance) => `    ${instanceLine(instance, style)}`),
    ...(rest > 0 ? [`    … and ${rest} more on their way`] : []),
  ]
}

/** Ready ones of the wanted version, then ready ones of others, then what is missing. */
function bar({ desired, version, instances }: ServiceStatus, style: Style): string {
  const ready = instances.filter(({ state }) => state === 'ready')
  const wanted = ready.filter((instance) => instance.version === version).length
  const cells = (count: number) => Math.round((Math.min(count, desired) / Math.max(1, desired)) * barCells)
  const full = cells(wanted)
  const old = Math.max(0, cells(ready.length) - full)
  return style.green('█'.repeat(full)) + style.yellow('▒'.repeat(old)) + style.dim('░'.repeat(barCells - full - old))
}

function instanceLine({ name, state, detail }: InstanceStatus, style: Style): string {
  return `${name}  ${stateWord(state, style)}${detail === undefined ? '' : style.dim(`  ${printable(detail)}`)}`
}
