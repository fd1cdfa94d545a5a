/** `repave status`: fleets, versions, ages, health and running rollouts. */
import type { StatusReport } from '../model/report.ts'
import { connect } from './connect.ts'
import { exitDone } from './exit.ts'
import { renderStatus } from './render/status.ts'
import type { Session } from './session.ts'
import { scopeIfAny } from './stack.ts'

/** Of the stack file's environment; of everything where there is no stack file. */
export async function status(session: Session): Promise<number> {
  const scope = await scopeIfAny(session)
  const client = await connect(session)
  const reports = await client.status(scope)
  if (session.json)
    for (const report of reports.length > 0 ? reports : [await nothing()]) session.terminal.printJson(report)
  else session.terminal.print(lines(reports))
  return exitDone

  async function nothing(): Promise<Partial<StatusReport>> {
    return { ...scope, services: [], routes: [], controller: await client.info() }
  }

  function lines(all: readonly StatusReport[]): readonly string[] {
    const name = [scope.stack, scope.environment].filter((part) => part !== undefined).join('/')
    if (all.length === 0) return [name ? `${name}: nothing runs` : 'nothing runs']
    return all.flatMap((report, index) => [
      ...(index > 0 ? [''] : []),
      ...renderStatus(report, Date.now(), session.terminal.style),
    ])
  }
}
