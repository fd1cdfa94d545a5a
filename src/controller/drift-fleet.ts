/** Where a fleet is not as it should be: its instances and routes, and what the router has of it. Pure. */
import type { EngineState } from '../engine/engine.ts'
import type { DriftFinding } from '../model/report.ts'
import type { Release, ServiceRelease } from '../model/release.ts'
import { routeUrl } from '../model/route.ts'
import { fleetName, scopeName } from '../model/stack.ts'
import { versionName, type VersionId, type VersionSpec } from '../model/version.ts'
import { own } from '../model/own.ts'
import { differences } from '../plan/difference.ts'
import { type Fleet, type FleetInstance, groupOf, isRouted, whyOutdated } from '../plan/fleet.ts'
import { wantedSplit } from '../plan/split.ts'
import { poolName, type RouterServer, type RouterState } from '../router/router.ts'
import { finding } from './drift-finding.ts'

/** What fleets are held against, beside what their views say. */
export interface FleetFacts {
  readonly engine: EngineState
  readonly router: RouterState
  readonly release: Release
  /** What each instance really runs. */
  readonly specs: ReadonlyMap<string, VersionSpec>
  readonly released: (service: string, version: VersionId) => ServiceRelease | undefined
}

const byItself = 'the controller puts it right; `repave status` says what keeps it from that'

export function fleetFindings(fleet: Fleet, facts: FleetFacts): readonly DriftFinding[] {
  return [
    ...countFindings(fleet),
    ...fleet.instances.flatMap((instance) => instanceFindings(instance, fleet, facts)),
    ...serverFindings(fleet, facts),
    ...splitFindings(fleet),
    ...routeFindings(fleet, facts),
  ]
}

function countFindings(fleet: Fleet): readonly DriftFinding[] {
  const { key, target, instances } = fleet
  const running = instances.filter(({ phase }) => phase === 'running')
  const kept = target.groups.filter(({ isKeptWhole }) => isKeptWhole)
  const wanted = kept.reduce((sum, { count }) => sum + count, 0)
  const present = kept.reduce((sum, { version, count }) => sum + Math.min(count, countOf(running, version)), 0)
  const most = target.groups.reduce((sum, { count }) => sum + count, 0) + target.surge
  const object = fleetName(key)
  return [
    ...(present < wanted
      ? [
          finding('instance.missing', object, {
            message: `${wanted - present} of ${wanted} instances do not run`,
            expected: `${wanted} that run`,
            actual: `${present}`,
            remedy: byItself,
          }),
        ]
      : []),
    ...(running.length > most
      ? [
          finding('instance.surplus', object, {
            message: `${running.length} instances run, where ${most} are the most`,
            expected: `at most ${most}`,
            actual: `${running.length}: ${running.map(({ name }) => name).join(', ')}`,
            remedy: byItself,
          }),
        ]
      : []),
  ]
}

function countOf(instances: readonly FleetInstance[], version: VersionId): number {
  return instances.filter((instance) => instance.version === version).length
}

function instanceFindings(instance: FleetInstance, { key, target }: Fleet, facts: FleetFacts): readonly DriftFinding[] {
  const { name, phase, detail } = instance
  if (phase === 'gone') return []
  const expected = target.version === null ? 'no instance' : versionName(key.service, target.version)
  if (phase === 'exited') {
    const message = detail ?? 'it has exited'
    return [finding('instance.exited', name, { message, expected: 'it runs', actual: message, remedy: byItself })]
  }
  const observed = facts.engine.instances.find((each) => each.name === name)
  if (observed?.isPaused) {
    const paused = { message: 'it is paused', expected: 'it runs', actual: 'paused' }
    return [finding('instance.paused', name, { ...paused, remedy: byItself })]
  }
  const { lane: _, ...apart } = instance
  const message = whyOutdated(apart, target)
  if (message === undefined) return []
  const isAltered = !instance.intact
  const aspect = isAltered ? 'altered' : instance.health === 'unhealthy' ? 'unhealthy' : 'outdated'
  const actual = isAltered ? alteration(instance, key.service, facts) : message
  const claimed = isAltered ? versionName(key.service, instance.version) : expected
  return [finding(`instance.${aspect}`, name, { message, expected: claimed, actual, remedy: byItself })]
}

/** `resources.pids: 64 → 77` */
function alteration({ name, version }: FleetInstance, service: string, facts: FleetFacts): string {
  const released = facts.released(service, version)
  const spec = facts.specs.get(name)
  if (!released) return 'a version that was never released here'
  if (!spec) return 'settings that no version can have'
  return differences(released, { ...released, spec }).join('; ') || 'another version'
}

function serverFindings(fleet: Fleet, { router, engine }: FleetFacts): readonly DriftFinding[] {
  const servers = router.servers.filter(({ pool }) => pool === poolName(fleet.key))
  const addresses = new Map(engine.instances.map(({ name, address }) => [name, address && words(address)]))
  const byInstance = new Map(servers.map((server) => [server.instance, server]))
  return [
    ...servers.flatMap((server) => serverFinding(server, fleet, addresses)),
    ...fleet.instances
      .filter(({ name }) => isMisaddressed(byInstance.get(name), addresses) === undefined)
      .flatMap((instance) => rotationFinding(instance, fleet)),
  ]
}

type Addresses = ReadonlyMap<string, string | undefined>

function serverFinding(server: RouterServer, { target, instances }: Fleet, addresses: Addresses) {
  const { instance: name, lane, state } = server
  if (!addresses.has(name)) {
    const message = 'the router sends requests to an instance that is gone'
    return [
      finding('server.surplus', name, {
        message,
        expected: 'no server',
        actual: words(server.address),
        remedy: byItself,
      }),
    ]
  }
  const instance = instances.find((each) => each.name === name)
  const group = instance && groupOf(target, instance.version)
  const expected = isMisaddressed(server, addresses)
  return [
    ...(expected === undefined
      ? []
      : [finding('server.address', name, { expected, actual: words(server.address), remedy: byItself })]),
    ...(group && group.lane !== lane
      ? [
          finding('server.lane', name, {
            message: 'it is among those of another version',
            expected: `lane ${group.lane}`,
            actual: `lane ${lane}`,
            remedy: byItself,
          }),
        ]
      : []),
    ...(state === 'down' && expected === undefined
      ? [
          finding('server.down', name, {
            message: 'the router gets no answer from it',
            expected: 'it answers',
            actual: 'down',
            remedy: 'see what it prints: `repave logs`; the controller replaces one that stays unhealthy',
          }),
        ]
      : []),
  ]
}

/** The address that it should have; undefined where it has that, or where there is none to have. */
function isMisaddressed(server: RouterServer | undefined, addresses: Addresses): string | undefined {
  const expected = server && addresses.get(server.instance)
  return expected === undefined || expected === words(server!.address) ? undefined : expected
}

function words({ host, port }: RouterServer['address']): string {
  return `${host}:${port}`
}

/** One that stands by is where it belongs. */
function rotationFinding(instance: FleetInstance, { key, target, instances }: Fleet): readonly DriftFinding[] {
  const { name, version, phase, rotation } = instance
  const routed = instances.filter((each) => each.version === version && isRouted(each)).length
  if (!target.routed || phase !== 'running' || isRouted(instance)) return []
  if (whyOutdated(instance, target) !== undefined || routed >= (groupOf(target, version)?.routed ?? 0)) return []
  const message = `runs ${versionName(key.service, version)} and is not in rotation`
  const actual = rotation === 'draining' ? 'draining' : 'no server'
  return [finding('server.missing', name, { message, expected: 'in rotation', actual, remedy: byItself })]
}

function splitFindings(fleet: Fleet): readonly DriftFinding[] {
  const wanted = wantedSplit(fleet)
  if (!fleet.target.routed || wanted === fleet.split) return []
  const message = `${fleet.split} of 1000 requests go to lane b, where it should be ${wanted}`
  const [expected, actual] = [`${wanted} of 1000`, `${fleet.split} of 1000`]
  return [finding('server.share', fleetName(fleet.key), { message, expected, actual, remedy: byItself })]
}

function routeFindings({ key }: Fleet, { release, router }: FleetFacts): readonly DriftFinding[] {
  const declared = new Set(own(release.services, key.service)?.routes.map(routeUrl))
  const live = new Set(
    router.services.filter(({ pool }) => pool === poolName(key)).flatMap(({ routes }) => routes.map(routeUrl)),
  )
  const missing = [...declared.difference(live)].map((url) =>
    finding('route.missing', url, {
      message: `declared for ${key.service}, and the router has it not`,
      expected: `to ${key.service} of ${scopeName(key)}`,
      actual: 'no route',
      remedy: byItself,
    }),
  )
  const surplus = [...live.difference(declared)].map((url) =>
    finding('route.surplus', url, {
      message: `the router has it, and ${key.service} does not declare it`,
      expected: 'no route',
      actual: `to ${key.service} of ${scopeName(key)}`,
      remedy: byItself,
    }),
  )
  return [...missing, ...surplus]
}
