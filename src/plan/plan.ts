/**
 * The plan: the steps that `up` will take, found by running the very same reconciliation on a model of the
 * fleet in which every effect succeeds at once.
 */
import type { PlanReport, PlanStep, ServicePlan } from '../model/report.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import { routeUrl } from '../model/route.ts'
import { versionName } from '../model/version.ts'
import { differences } from './difference.ts'
import type { Fleet, FleetInstance, FleetTarget } from './fleet.ts'
import { type Effect, reconcile } from './reconcile.ts'
import { stagesOf } from '../rollout/stages.ts'
import { endedTarget, fleetTarget } from './target.ts'
import { own } from '../model/own.ts'

/** What runs now: the released services, and the instances that there are of each. */
export interface Current {
  readonly services: Readonly<Record<string, ServiceRelease>>
  readonly instances: Readonly<Record<string, readonly FleetInstance[]>>
}

export function planRelease(current: Current, next: Release): PlanReport {
  const names = new Set([
    ...Object.keys(next.services),
    ...Object.keys(current.services),
    ...Object.keys(current.instances),
  ])
  const services = [...names].toSorted().map((service) => planService(service, current, next))
  return {
    stack: next.stack,
    environment: next.environment,
    services,
    changes: services.reduce((sum, plan) => sum + (plan.steps.length || plan.differences.length), 0),
  }
}

function planService(service: string, current: Current, next: Release): ServicePlan {
  const before = own(current.services, service)
  const after = own(next.services, service)
  const fleet: Fleet = {
    key: { stack: next.stack, environment: next.environment, service },
    target: after ? plannedTarget(after) : endedTarget(before?.drainMs ?? 0),
    instances: own(current.instances, service) ?? [],
    createAfterMs: new Map(),
    split: 0,
  }
  const changed = differences(before, after)
  return {
    service,
    current: before ? versionName(service, before.version) : null,
    next: after ? versionName(service, after.version) : null,
    steps: [...routeSteps(before, after), ...instanceSteps(fleet, changed)],
    differences: changed,
  }
}

/** Where requests move by shares, the whole new fleet is there before anything of the old one goes. */
function plannedTarget(service: ServiceRelease): FleetTarget {
  const target = fleetTarget(service)
  const isStaged = stagesOf(service, false) !== undefined
  return isStaged ? { ...target, surge: Math.max(target.surge, service.replicas) } : target
}

function routeSteps(before: ServiceRelease | undefined, after: ServiceRelease | undefined): readonly PlanStep[] {
  const old = new Set(before?.routes.map(routeUrl))
  const next = new Set(after?.routes.map(routeUrl))
  return [
    ...[...next].filter((url) => !old.has(url)).map((url): PlanStep => ({ kind: 'route', reason: `${url} is new` })),
    ...[...old]
      .filter((url) => !next.has(url))
      .map((url): PlanStep => ({ kind: 'unroute', reason: `${url} goes away` })),
  ]
}

function instanceSteps(start: Fleet, changed: readonly string[]): readonly PlanStep[] {
  const steps: PlanStep[] = []
  let fleet: Fleet = { ...start, instances: start.instances.map(undisturbed) }
  for (let effects = reconcile(fleet, 0); effects.length > 0; effects = reconcile(fleet, 0)) {
    steps.push(...effects.flatMap((effect) => step(effect, changed)))
    fleet = { ...fleet, instances: apply(effects, fleet.instances) }
  }
  return steps
}

/** As it will be when what is under way has ended well. */
function undisturbed({ busy: _busy, ...instance }: FleetInstance): FleetInstance {
  return instance.health === 'starting' && instance.phase === 'running' ? { ...instance, health: 'healthy' } : instance
}

function step(effect: Effect, changed: readonly string[]): readonly PlanStep[] {
  if (effect.kind === 'start' || effect.kind === 'isolate') return []
  const because = effect.kind === 'create' && changed.length > 0 ? `: ${summary(changed)}` : ''
  return [{ kind: effect.kind, instance: effect.instance, reason: effect.reason + because }]
}

function summary(changed: readonly string[]): string {
  const [first, ...rest] = changed
  return rest.length === 0 ? `${first}` : `${first}, and ${rest.length} more`
}

function apply(effects: readonly Effect[], instances: readonly FleetInstance[]): readonly FleetInstance[] {
  const byName = new Map(instances.map((instance) => [instance.name, instance]))
  for (const effect of effects) {
    const instance = byName.get(effect.instance)
    if (effect.kind === 'create') byName.set(effect.instance, fresh(effect))
    else if (effect.kind === 'destroy') byName.delete(effect.instance)
    else if (instance) afterwards(effect.kind, instance, byName)
  }
  return [...byName.values()]
}

function afterwards(
  kind: 'start' | 'route' | 'unroute' | 'isolate',
  instance: FleetInstance,
  byName: Map<string, FleetInstance>,
): void {
  if (kind === 'start') byName.set(instance.name, { ...instance, phase: 'running', health: 'healthy' })
  else if (kind === 'isolate') byName.delete(instance.name)
  else if (kind === 'route') byName.set(instance.name, { ...instance, rotation: 'in', lane: 'a' })
  else if (instance.phase === 'gone') byName.delete(instance.name)
  else byName.set(instance.name, { ...instance, rotation: 'out' })
}

function fresh(effect: Extract<Effect, { kind: 'create' }>): FleetInstance {
  return {
    name: effect.instance,
    version: effect.version,
    intact: true,
    ...(effect.isAhead ? { phase: 'created', health: 'starting' } : { phase: 'running', health: 'healthy' }),
    rotation: 'out',
    createdAtMs: Number.MAX_SAFE_INTEGER,
    condemned: false,
    ending: false,
  }
}
