/** `drift`: what is not as declared. Looks at everything afresh and changes nothing. */
import type { DriftReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import type { DriftRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { withExceptions } from './drift-exceptions.ts'
import { fleetFindings, type FleetFacts } from './drift-fleet.ts'
import { surroundingsFindings } from './drift-surroundings.ts'
import { viewScopes } from './views.ts'

export async function drift(desk: Desk, request: DriftRequest): Promise<DriftReport> {
  const scope: Scope = { stack: request.stack, environment: request.environment }
  const { record } = desk.known(scope)
  const { engine, router, clock } = desk.seams
  const [engineState, routerState, survey] = await Promise.all([
    engine.observe({ fresh: true }),
    router.observe(),
    engine.survey(scope),
  ])
  const sight = { engine: engineState, router: routerState, underWay: [], splitting: new Map() }
  const [view] = viewScopes([record], sight, desk.loop.remembered)
  const fleets = view?.fleets ?? []
  const facts: FleetFacts = {
    engine: engineState,
    router: routerState,
    release: record.release,
    specs: survey.specs,
    released: (service, version) => desk.loop.decisions.released({ ...scope, service }, version),
  }
  const hasInstances = fleets.some(({ instances }) => instances.some(({ phase }) => phase === 'running'))
  const findings = [
    ...fleets.flatMap((fleet) => fleetFindings(fleet, facts)),
    ...surroundingsFindings(scope, survey, hasInstances),
  ]
  const { firewall } = survey
  return {
    ...scope,
    ...withExceptions(findings, request.exceptions ?? [], clock.now()),
    ...(hasInstances && firewall.kind === 'unseen' && { unseen: [{ what: 'firewall', why: firewall.why }] }),
  }
}
