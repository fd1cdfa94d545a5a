/** `rollback`: a version that ran before takes the place of the current one, with the routes and policies it had. */
import { RepaveError } from '../errors.ts'
import { canonicalJson } from '../model/canonical.ts'
import type { ProgressReport } from '../model/report.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import type { ReleaseRecord, VersionRecord } from '../store/store.ts'
import type { RollbackRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { awaitRest, takeUp } from './take-up.ts'
import type { Turn } from './turns.ts'
import { matchingVersion, unknownVersion } from './version-match.ts'
import { own } from '../model/own.ts'

export async function* rollback(desk: Desk, request: RollbackRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const scope: Scope = { stack: request.stack, environment: request.environment }
  const { record } = desk.known(scope)
  const history = await desk.seams.store.releases(scope)
  const targets = await chooseTargets(desk, request, record, history)
  await desk.loop.decisions.refusals.admit(scope, targets)
  const release = withServices(record.release, targets)
  if (!isSwitch(desk, scope, targets, record)) await prepare(desk, targets, release)
  const names = Object.entries(targets).map(([service, { version }]) => versionName(service, version))
  if (
    Object.entries(targets).every(
      ([service, { version }]) => own(record.release.services, service)?.version === version,
    )
  )
    yield* awaitRest(desk, scope, turn)
  else
    yield* takeUp(desk, { release, decision: 'rollback', reason: `back to ${names.join(', ')}`, by: request.by }, turn)
}

/** Whether all that is gone back to is warm, at the same routes: nothing has to be made, and each millisecond counts. */
function isSwitch({ loop }: Desk, scope: Scope, targets: Targets, { release }: ReleaseRecord): boolean {
  return Object.entries(targets).every(([service, target]) => {
    const routes = own(release.services, service)?.routes
    return loop.remembered.warm({ ...scope, service }) === target.version && isSame(routes, target.routes)
  })
}

function isSame(a: ServiceRelease['routes'] | undefined, b: ServiceRelease['routes']): boolean {
  return a !== undefined && canonicalJson(a) === canonicalJson(b)
}

async function prepare(desk: Desk, targets: Targets, release: Release): Promise<void> {
  for (const { spec } of Object.values(targets)) await desk.seams.engine.prepare({ kind: 'digest', digest: spec.image })
  await desk.admit(release)
}

type Targets = Readonly<Record<string, ServiceRelease>>

async function chooseTargets(
  desk: Desk,
  { service, to, ...scope }: RollbackRequest,
  current: ReleaseRecord,
  history: readonly ReleaseRecord[],
): Promise<Targets> {
  const versions = await desk.seams.store.versions(scope)
  if (service !== undefined && !versions.some((version) => version.service === service))
    throw desk.unknownService(scope, service)
  const candidates = versions.filter((version) => service === undefined || version.service === service)
  if (to !== undefined) return asked(to, candidates, history)
  const names = service === undefined ? Object.keys(current.release.services) : [service]
  const { refusals } = desk.loop.decisions
  const permitted = candidates.filter((version) => !refusals.of(version, version))
  const targets = previousProven(names, permitted, current, history)
  if (targets) return targets
  throw nothingToRollBack(`${service ?? scopeName(scope)} has no other version that was ever proven and is not refused`)
}

export function nothingToRollBack(message: string): RepaveError {
  return new RepaveError('NOTHING_TO_ROLL_BACK', message, {
    hint: 'see `repave versions`; any version that ran and is not refused can be named with --to',
  })
}

/** As they were in the newest release in which any of them was a proven version other than its current one. */
function previousProven(
  services: readonly string[],
  versions: readonly VersionRecord[],
  current: ReleaseRecord,
  history: readonly ReleaseRecord[],
): Targets | undefined {
  const proven = new Set(
    versions.filter(({ state }) => state === 'proven').map(({ service, version }) => `${service}@${version}`),
  )
  for (const { release } of history) {
    const others = services.flatMap((service) => {
      const released = own(release.services, service)
      const isOther = released && released.version !== own(current.release.services, service)?.version
      return isOther && proven.has(`${service}@${released.version}`) ? [[service, released] as const] : []
    })
    if (others.length > 0) return Object.fromEntries(others)
  }
  return undefined
}

function asked(to: string, candidates: readonly VersionRecord[], history: readonly ReleaseRecord[]): Targets {
  const { service, version } = matchingVersion(to, candidates)
  const released = history
    .map(({ release }) => own(release.services, service))
    .find((each) => each?.version === version)
  if (!released) throw unknownVersion(to, candidates)
  return { [service]: released }
}

/** Everything goes back with the code but the number of replicas. */
function withServices(release: Release, targets: Targets): Release {
  const services = Object.entries(targets).map(([service, target]) => {
    const replicas = own(release.services, service)?.replicas ?? target.replicas
    return [service, { ...target, replicas }] as const
  })
  return { ...release, services: { ...release.services, ...Object.fromEntries(services) } }
}
