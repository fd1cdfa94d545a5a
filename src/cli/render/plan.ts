/** A plan for people: each replacement, why, and its steps. Pure. */
import type { Setting } from '../../config/explain.ts'
import type { PlanReport, PlanStep, ServicePlan, StepKind } from '../../model/report.ts'
import { counted, type Style, table } from './text.ts'

/** Up to so many steps are listed one by one, in their order; more are counted by kind and reason. */
const maxSteps = 16

export function renderPlan(plan: PlanReport, style: Style): readonly string[] {
  const changing = plan.services.filter(({ steps }) => steps.length > 0)
  const same = plan.services.filter(({ steps }) => steps.length === 0)
  return [
    style.bold(`${plan.stack}/${plan.environment}`),
    ...changing.flatMap((service) => ['', ...renderService(service, style)]),
    ...(same.length > 0
      ? [
          '',
          ...table(
            same.map((service) => [service.service, service.next ?? '', 'unchanged']),
            '  ',
          ),
        ]
      : []),
    '',
    summary(plan),
  ]
}

function renderService(plan: ServicePlan, style: Style): readonly string[] {
  return [
    `  ${style.bold(plan.service)}  ${headline(plan)}`,
    ...plan.differences.map((difference, index) => `    ${index === 0 ? 'because' : '       '}  ${difference}`),
    ...table(
      grouped(plan.steps).map(({ kind, what, reason }) => [mark(kind, style), what, style.dim(reason)]),
      '    ',
    ),
  ]
}

function headline({ current, next }: ServicePlan): string {
  if (current === null) return `${next} (new)`
  if (next === null) return `${current} (removed)`
  return current === next ? `${next} (same version)` : `${current} → ${next}`
}

function mark(kind: StepKind, style: Style): string {
  switch (kind) {
    case 'create':
      return style.green('create')
    case 'route':
      return style.green('route')
    case 'unroute':
      return style.yellow('unroute')
    case 'destroy':
      return style.yellow('destroy')
  }
}

function grouped(steps: readonly PlanStep[]): readonly { kind: StepKind; what: string; reason: string }[] {
  if (steps.length <= maxSteps)
    return steps.map(({ kind, instance, reason }) => ({ kind, what: instance ?? '', reason }))
  const groups = Map.groupBy(steps, ({ kind, reason, instance }) => `${kind} ${instance === undefined} ${reason}`)
  return [...groups.values()].flatMap(([first, ...rest]) => {
    if (!first) return []
    const { kind, reason, instance } = first
    return [{ kind, what: instance === undefined ? '' : counted(1 + rest.length, 'instance'), reason }]
  })
}

function summary({ services, changes }: PlanReport): string {
  if (changes === 0) return 'Nothing to do: everything is as declared.'
  const steps = services.flatMap((service) => service.steps)
  const parts = [...Map.groupBy(steps, ({ kind }) => kind)].map(([kind, of]) => `${of.length} ${kind}`)
  return `${counted(changes, 'step')}: ${parts.join(', ')}. Nothing was changed; \`repave up\` does it.`
}

export function renderExplanation(settings: readonly Setting[], style: Style): readonly string[] {
  return table(settings.map(({ path, value, source }) => [path, value, style.dim(`(${sourceWords(source)})`)]))
}

function sourceWords(source: Setting['source']): string {
  switch (source) {
    case 'default':
      return 'default'
    case 'file':
      return 'stack file'
    case 'environment':
      return 'environment in the stack file'
    case 'image':
      return 'image'
  }
}
