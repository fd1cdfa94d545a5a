/** `replace`: a clean instance in the place of one. */
import { RepaveError } from '../errors.ts'
import type { ProgressReport } from '../model/report.ts'
import { scopeName } from '../model/stack.ts'
import type { ReplaceRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { Standing } from './standing.ts'
import type { Turn } from './turns.ts'

export async function* replace(desk: Desk, request: ReplaceRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const { fleets } = desk.known(request)
  const fleet = fleets.find(({ instances }) => instances.some(({ name }) => name === request.instance))
  const old = fleet?.instances.find(({ name }) => name === request.instance)
  if (!fleet || !old) {
    desk.assertSeeing()
    const names = fleets.flatMap(({ instances }) => instances.map(({ name }) => name))
    throw new RepaveError('INSTANCE_UNKNOWN', `${scopeName(request)} has no instance ${request.instance}`, {
      hint: names.length > 0 ? `its instances are: ${names.join(', ')}` : 'it has no instances',
    })
  }
  const deadlineMs = desk.seams.clock.steady() + (fleet.target.drainMs * 2 + 120_000)
  const isThere = () =>
    desk.loop
      .view(request)
      ?.fleets.some(({ instances }) =>
        instances.some(({ name, createdAtMs }) => name === old.name && createdAtMs === old.createdAtMs),
      ) === true
  const standing = new Standing(desk, request, turn)
  const begin = async () => {
    await desk.loop.decisions.condemn(fleet.key, old.name, request.by)
    standing.begin(desk.loop.decisions.asked(request))
  }
  const isSettled = () => !isThere() && desk.loop.isSettled(request)
  const isOver = () => standing.isSuperseded() || isSettled() || desk.seams.clock.steady() > deadlineMs
  yield* desk.follow(request, begin, isOver)
  yield await desk.result(request, true, standing.error() ?? (isThere() ? stillThere(old.name) : undefined))
}

function stillThere(instance: string): RepaveError {
  return new RepaveError('ENGINE_FAILED', `${instance} is not replaced yet: its clean instance is not ready`, {
    hint: 'it stays in service until then; see `repave status` and `repave events`',
  })
}
