/** `drift`: what is not as declared. Looks at everything afresh and changes nothing. */
import type { DriftFinding, DriftReport } from '../model/report.ts'
import { routeUrl } from '../model/route.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { shortVersion } from '../model/version.ts'
import { type Fleet, type FleetInstance, groupOf, isRouted, whyOutdated } from '../plan/fleet.ts'
import { wantedSplit } from '../plan/split.ts'
import { poolName, type RouterState } from '../router/router.ts'
import type { Desk } from './desk.ts'
import { viewScopes } from './views.ts'
import { own } from '../model/own.ts'

export async function drift(desk: Desk, scope: Scope): Promise<DriftReport> {
  const { record } = desk.known(scope)
  const { engine, router } = desk.seams
  const [engineState, routerState] = await Promise.all([engine.observe({ fresh: true }), router.observe()])
  const sight = { engine: engineState, router: routerState, underWay: [], splitting: new Map() }
  const [view] = viewScopes([record], sight, desk.loop.remembered)
  const fleets = view?.fleets ?? []
  return {
    stack: scope.stack,
    environment: scope.environment,
    findings: [
      ...fleets.flatMap(instanceFindings),
      ...fleets.flatMap((fleet) => routeFindings(fleet, record.release.services, routerState)),
    ],
  }
}

function instanceFindings(fleet: Fleet): readonly DriftFinding[] {
  const { instances } = fleet
  return [
    ...missingFindings(fleet),
    ...instances.flatMap((instance) => instanceFinding(instance, fleet)),
    ...splitFindings(fleet),
  ]
}

function missingFindings({ key, target, instances }: Fleet): readonly DriftFinding[] {
  const running = instances.filter(({ phase }) => phase === 'running')
  const count = target.groups.reduce((sum, group) => sum + (group.isKeptWhole ? group.count : 0), 0)
  const present = target.groups.map(({ version, count: most, isKeptWhole }) => {
    return isKeptWhole ? Math.min(most, running.filter((instance) => instance.version === version).length) : 0
  })
  const missing = count - present.reduce((sum, each) => sum + each, 0)
  if (missing <= 0) return []
  const message = `${missing} of ${count} instances do not run`
  return [{ kind: 'instance', object: `${scopeName(key)}/${key.service}`, message }]
}

function splitFindings(fleet: Fleet): readonly DriftFinding[] {
  const wanted = wantedSplit(fleet)
  if (!fleet.target.routed || wanted === fleet.split) return []
  const message = `${fleet.split} of 1000 requests go to lane b, where it should be ${wanted}`
  return [{ kind: 'server', object: `${scopeName(fleet.key)}/${fleet.key.service}`, message }]
}

function instanceFinding(instance: FleetInstance, { target, instances }: Fleet): readonly DriftFinding[] {
  const { name, phase, detail } = instance
  if (phase === 'gone')
    return [{ kind: 'server', object: name, message: 'the router sends requests to an instance that is gone' }]
  if (phase === 'exited') return [{ kind: 'instance', object: name, message: detail ?? 'it has exited' }]
  const reason = whyOutdated(instance, target)
  if (reason !== undefined) return [{ kind: 'instance', object: name, message: reason }]
  // One that stands by is where it belongs.
  const routed = instances.filter((each) => each.version === instance.version && isRouted(each)).length
  if (
    target.routed &&
    phase === 'running' &&
    !isRouted(instance) &&
    routed < (groupOf(target, instance.version)?.routed ?? 0)
  )
    return [{ kind: 'server', object: name, message: `runs ${shortVersion(instance.version)} and is not in rotation` }]
  return []
}

function routeFindings(
  { key }: Fleet,
  services: Readonly<Record<string, { routes: readonly Parameters<typeof routeUrl>[0][] }>>,
  router: RouterState,
) {
  const declared = new Set(own(services, key.service)?.routes.map(routeUrl))
  const live = new Set(
    router.services.filter(({ pool }) => pool === poolName(key)).flatMap(({ routes }) => routes.map(routeUrl)),
  )
  return [
    ...[...declared]
      .filter((url) => !live.has(url))
      .map((url) => routeFinding(url, `declared for ${key.service}, and the router has it not`)),
    ...[...live]
      .filter((url) => !declared.has(url))
      .map((url) => routeFinding(url, `the router has it, and ${key.service} does not declare it`)),
  ]
}

function routeFinding(object: string, message: string): DriftFinding {
  return { kind: 'route', object, message }
}
