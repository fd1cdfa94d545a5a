/** `now`: a clean instance in the place of each that there is, whatever its age. */
import { RepaveError } from '../errors.ts'
import { identityOf } from '../model/identity.ts'
import type { ProgressReport } from '../model/report.ts'
import { scopeName } from '../model/stack.ts'
import type { Fleet } from '../plan/fleet.ts'
import type { RepaveRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { Standing } from './standing.ts'
import type { Turn } from './turns.ts'

/** How long one may take, beside its drain time. */
const patienceMs = 120_000

export async function* repave(desk: Desk, request: RepaveRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const { service } = request
  const fleets = desk.known(request).fleets.filter(({ key }) => service === undefined || key.service === service)
  if (service !== undefined && fleets.length === 0) throw desk.unknownService(request, service)
  const old = new Set(fleets.flatMap(identities))
  const standing = new Standing(desk, request, turn)
  const begin = async () => {
    await desk.loop.decisions.repave(fleets, request)
    standing.begin(desk.loop.decisions.asked(request))
  }
  const left = () => (desk.loop.view(request)?.fleets ?? []).flatMap(identities).filter((each) => old.has(each))
  let leftBefore = old.size
  let progressAtMs = desk.seams.clock.steady()
  const isStuck = () => {
    const nowMs = desk.seams.clock.steady()
    if (left().length < leftBefore) progressAtMs = nowMs
    leftBefore = left().length
    return nowMs - progressAtMs > patienceMs + 2 * Math.max(0, ...fleets.map(({ target }) => target.drainMs))
  }
  const isSettled = () => left().length === 0 && desk.loop.isSettled(request)
  yield* desk.follow(request, begin, () => standing.isSuperseded() || isSettled() || isStuck())
  const stuck = left().length > 0 ? notRepaved(scopeName(request), left().length) : undefined
  yield await desk.result(request, old.size > 0, standing.error() ?? stuck)
}

function identities({ instances }: Fleet): readonly string[] {
  return instances.map(identityOf)
}

function notRepaved(scope: string, count: number): RepaveError {
  return new RepaveError('NOT_SETTLED', `${count} instances of ${scope} have not been replaced yet`, {
    hint: 'the controller goes on; `repave status` shows how far it is, and why it is not further',
  })
}
