/** `drift`: what is not as declared. Looks at everything afresh and changes nothing. */
import type { DriftFinding, DriftReport } from '../model/report.ts'
import { routeUrl } from '../model/route.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { shortVersion } from '../model/version.ts'
import { whyOutdated, type Fleet } from '../plan/fleet.ts'
import { poolName, type RouterState } from '../router/router.ts'
import type { Desk } from './desk.ts'
import { viewScopes } from './views.ts'
import { own } from '../model/own.ts'

export async function drift(desk: Desk, scope: Scope): Promise<DriftReport> {
  const { record } = desk.known(scope)
  const { engine, router } = desk.seams
  const [engineState, routerState] = await Promise.all([engine.observe({ fresh: true }), router.observe()])
  const sight = { engine: engineState, router: routerState, underWay: [] }
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
  const { key, target, instances } = fleet
  const missing = target.replicas - instances.filter(({ phase }) => phase === 'running').length
  const count: DriftFinding[] =
    missing > 0
      ? [
          {
            kind: 'instance',
            object: `${scopeName(key)}/${key.service}`,
            message: `${missing} of ${target.replicas} instances do not run`,
          },
        ]
      : []
  return [...count, ...instances.flatMap((instance) => instanceFinding(instance, fleet))]
}

function instanceFinding(instance: Fleet['instances'][number], { target }: Fleet): readonly DriftFinding[] {
  const { name, phase, rotation, detail } = instance
  if (phase === 'gone')
    return [{ kind: 'server', object: name, message: 'the router sends requests to an instance that is gone' }]
  if (phase === 'exited') return [{ kind: 'instance', object: name, message: detail ?? 'it has exited' }]
  const reason = whyOutdated(instance, target)
  if (reason !== undefined) return [{ kind: 'instance', object: name, message: reason }]
  if (target.routed && rotation !== 'in' && phase === 'running')
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
