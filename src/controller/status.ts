/** What people are told of an environment: pure. */
import type { RepaveError } from '../errors.ts'
import type {
  EnvironmentStatus,
  GuardStatus,
  InstanceState,
  InstanceStatus,
  ResultReport,
  RolloutStatus,
  ServiceStatus,
} from '../model/report.ts'
import type { Refusal } from '../model/refusal.ts'
import type { ServiceRelease } from '../model/release.ts'
import { routeUrl } from '../model/route.ts'
import { type FleetKey, fleetName } from '../model/stack.ts'
import { type VersionId, versionName } from '../model/version.ts'
import {
  type Fleet,
  type FleetInstance,
  type FleetTarget,
  groupOf,
  isEnding,
  isLeaving,
  isReady,
  whyOutdated,
} from '../plan/fleet.ts'
import type { CrashLoop } from '../rollout/backoff.ts'
import { stagesOf } from '../rollout/stages.ts'
import type { RolloutRecord } from '../store/store.ts'
import type { Sense } from '../model/touch.ts'
import type { Alarm } from './taints.ts'
import { refusalReport } from './refusal-reports.ts'
import type { ScopeView } from './views.ts'

/** What a status needs beside the view. */
export interface StatusFacts {
  readonly nowMs: number
  readonly problems: readonly RepaveError[]
  /** The running rollout of each fleet, or its last one; by fleet name. */
  readonly rollouts: ReadonlyMap<string, RolloutRecord>
  crashLoop(key: FleetKey): CrashLoop
  /** As it is released. */
  service(key: FleetKey): ServiceRelease | undefined
  /** The rollout whose earlier version the fleet keeps warm. */
  warm(key: FleetKey): RolloutRecord | undefined
  /** Why the version that it is to run must not run. */
  refusal(key: FleetKey): Refusal | undefined
  /** Which touches can be seen here. */
  readonly senses: readonly Sense[]
  /** Why whatever tells of touches is not believed. */
  readonly suspicion: Alarm | undefined
  /** How long it took until all was clean again, oldest first. */
  readonly cleanMs: readonly number[]
  exposureMs(fleet: Fleet): number | undefined
  overdue(fleet: Fleet): readonly string[]
  escalation(key: FleetKey): Alarm | undefined
  heldUntilMs(key: FleetKey): number | undefined
  /** The services that have to be rolled out first. */
  waitsFor(key: FleetKey): readonly string[]
}

export function environmentStatus(view: ScopeView, facts: StatusFacts): EnvironmentStatus {
  const services = Object.entries(view.record.release.services).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const routes = services.flatMap(([service, { routes: released }]) =>
    released.map((route) => ({ url: routeUrl(route), service })),
  )
  return {
    ...view.scope,
    services: view.fleets.map((fleet) => serviceStatus(fleet, facts)),
    routes,
    ...(services.length > 0 && { guard: guardStatus(view.fleets, facts) }),
    ...(facts.problems.length > 0 && { problems: facts.problems.map((problem) => problem.report()) }),
  }
}

export function serviceStatus(fleet: Fleet, facts: StatusFacts): ServiceStatus {
  const { key, target, instances } = fleet
  const rollout = facts.rollouts.get(fleetName(key))
  const loop = facts.crashLoop(key)
  const refusal = facts.refusal(key)
  return {
    service: key.service,
    version: target.version === null ? null : versionName(key.service, target.version),
    desired: target.replicas,
    ...servingCounts(fleet),
    instances: instances.toSorted(byName).map((instance) => instanceStatus(instance, fleet, facts.nowMs)),
    ...(rollout && isTold(rollout) && { rollout: rolloutStatus(rollout, fleet, facts) }),
    ...warmStatus(key, facts),
    ...(refusal && { refusal: refusalReport(refusal) }),
    ...(loop.failures > 1 && { backoff: backoff(loop) }),
    ...watchStatus(fleet, facts),
  }
}

function watchStatus(fleet: Fleet, facts: StatusFacts): Partial<ServiceStatus> {
  const [exposureMs, overdue] = [facts.exposureMs(fleet), facts.overdue(fleet)]
  const [escalation, heldUntilMs] = [facts.escalation(fleet.key), facts.heldUntilMs(fleet.key)]
  const isHeld = heldUntilMs !== undefined && heldUntilMs > facts.nowMs
  const held = isHeld ? { heldUntil: new Date(heldUntilMs).toISOString() } : {}
  return {
    ...(exposureMs !== undefined && { exposureSeconds: Math.round(exposureMs / 1_000) }),
    ...(overdue.length > 0 && { overdue }),
    ...(escalation && { escalation: { ...alarm(escalation), ...held } }),
  }
}

function guardStatus(fleets: readonly Fleet[], facts: StatusFacts): GuardStatus {
  const { cleanMs, suspicion, senses } = facts
  const exposures = fleets.flatMap((fleet) => facts.exposureMs(fleet) ?? [])
  const lastMs = cleanMs.at(-1)
  const medianMs = cleanMs.toSorted((a, b) => a - b)[Math.floor((cleanMs.length - 1) / 2)] ?? 0
  return {
    ...(lastMs !== undefined && {
      tamperToClean: { lastMs: Math.round(lastMs), medianMs: Math.round(medianMs), count: cleanMs.length },
    }),
    ...(exposures.length > 0 && { exposureSeconds: Math.round(Math.max(...exposures) / 1_000) }),
    unseen: senses.filter(({ state }) => state === 'missing'),
    ...(suspicion && { suspicion: alarm(suspicion) }),
  }
}

function alarm({ atMs, message }: Alarm): { readonly at: string; readonly message: string } {
  return { at: new Date(atMs).toISOString(), message }
}

const inNumericOrder = new Intl.Collator('en', { numeric: true })

function byName(a: FleetInstance, b: FleetInstance): number {
  return inNumericOrder.compare(a.name, b.name)
}

export function servingCounts({ instances, target }: Fleet): Pick<ServiceStatus, 'ready' | 'serving'> {
  const serving = instances.filter((instance) => isReady(instance, target))
  return { ready: serving.filter(({ version }) => version === target.version).length, serving: serving.length }
}

function instanceStatus(instance: FleetInstance, { key, target }: Fleet, nowMs: number): InstanceStatus {
  const { name, version, address, createdAtMs, detail } = instance
  return {
    name,
    version: versionName(key.service, version),
    state: instanceState(instance, target),
    ageSeconds: Math.max(0, Math.round((nowMs - createdAtMs) / 1000)),
    address: address ? `${address.host}:${address.port}` : null,
    ...(detail !== undefined && { detail }),
  }
}

export function instanceState(instance: FleetInstance, target: FleetTarget): InstanceState {
  if (instance.phase === 'exited' || instance.phase === 'gone') return 'exited'
  if (instance.taint) return 'tainted'
  if (isEnding(instance)) return 'stopping'
  if (isLeaving(instance)) return 'draining'
  if (instance.phase === 'created') return 'created'
  if (instance.health === 'unhealthy') return 'unhealthy'
  if (instance.cordon !== undefined) return 'cordoned'
  if (isReady(instance, target)) return 'ready'
  if (instance.rotation === 'warm' && whyOutdated(instance, target) === undefined) return 'warm'
  if (isStandby(instance, target)) return 'standby'
  // Out of rotation and outdated: it has drained, and its turn to be destroyed comes.
  return whyOutdated(instance, target) === undefined ? 'starting' : 'stopping'
}

/** Healthy, and there are enough in the router without it. */
function isStandby(instance: FleetInstance, target: FleetTarget): boolean {
  const group = groupOf(target, instance.version)
  const isMeant = group !== undefined && group.count > group.routed && whyOutdated(instance, target) === undefined
  return isMeant && target.routed && instance.health === 'healthy' && instance.busy === undefined
}

/** A rollout that went well is history; one that runs or was aborted is news. */
function isTold({ state }: RolloutRecord): boolean {
  return state === 'running' || state === 'aborted'
}

function rolloutStatus(rollout: RolloutRecord, fleet: Fleet, facts: StatusFacts): RolloutStatus {
  const name = (version: VersionId) => versionName(rollout.service, version)
  return {
    ...(rollout.state === 'running' && runningStatus(rollout, fleet, facts)),
    from: rollout.from === null ? null : name(rollout.from),
    to: name(rollout.to),
    state: rollout.state,
    startedAt: new Date(rollout.startedAtMs).toISOString(),
    ...(rollout.endedAtMs !== undefined && { endedAt: new Date(rollout.endedAtMs).toISOString() }),
    ...(rollout.reason !== undefined && { reason: rollout.reason }),
  }
}

function runningStatus(
  { stage = 0, isSwitch, pausedAtMs, to }: RolloutRecord,
  { key, target, split }: Fleet,
  facts: StatusFacts,
): Partial<RolloutStatus> {
  const waitsFor = facts.waitsFor(key)
  const service = facts.service(key)
  const stages = service && target.share.isExclusive ? stagesOf(service, isSwitch === true) : undefined
  const toB = groupOf(target, to)?.lane === 'b'
  return {
    ...(service && { strategy: service.rollout.strategy }),
    ...(stages && { stage: { number: stage + 1, of: stages.length }, share: (toB ? split : 1_000 - split) / 10 }),
    ...(pausedAtMs !== undefined && { pausedAt: new Date(pausedAtMs).toISOString() }),
    ...(waitsFor.length > 0 && { waitsFor }),
  }
}

function warmStatus(key: FleetKey, facts: StatusFacts): Pick<ServiceStatus, 'warm'> {
  const { from, warmUntilMs = 0 } = facts.warm(key) ?? {}
  if (!from || warmUntilMs <= facts.nowMs) return {}
  return { warm: { version: versionName(key.service, from), until: new Date(warmUntilMs).toISOString() } }
}

function backoff({ failures, createAfterMs, lastExit }: CrashLoop): NonNullable<ServiceStatus['backoff']> {
  return { failures, nextTryAt: new Date(createAfterMs).toISOString(), ...(lastExit !== undefined && { lastExit }) }
}

/** The services of the last line that `up` and its like print. */
export function resultServices(view: ScopeView | undefined): ResultReport['services'] {
  return (view?.fleets ?? []).map((fleet) => ({
    service: fleet.key.service,
    version: fleet.target.version === null ? null : versionName(fleet.key.service, fleet.target.version),
    ...servingCounts(fleet),
  }))
}
