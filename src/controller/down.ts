/** `down`: the instances, routes and network of an environment go away; its history stays, and its data unless told. */
import type { ProgressReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import type { DownRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { entryOf, recorded } from './records.ts'
import { awaitRest, takeUp } from './take-up.ts'
import type { Turn } from './turns.ts'

export async function* down(desk: Desk, request: DownRequest, turn: Turn): AsyncIterable<ProgressReport> {
  const scope: Scope = { stack: request.stack, environment: request.environment }
  for await (const report of takeDown(desk, scope, request.by, turn)) {
    if (report.kind !== 'result' || !report.result.ok || !request.data) yield report
    else {
      // Before the last word, so that whoever reads it can rely on it.
      const volumes = await discardData(desk, request)
      yield { ...report, result: { ...report.result, changed: report.result.changed || volumes.length > 0 } }
    }
  }
}

function takeDown(desk: Desk, scope: Scope, by: string, turn: Turn): AsyncIterable<ProgressReport> {
  const isDown = desk.loop.decisions.of(scope)?.decision === 'down'
  if (isDown) return awaitRest(desk, scope, turn)
  const { stack, environment } = scope
  if (!desk.loop.sight?.engine.scopes.some((each) => each.stack === stack && each.environment === environment))
    desk.known(scope)
  // Who is told of what happens to it is told of what is still to come.
  const notifications = desk.loop.decisions.of(scope)?.release.notifications
  const release = { ...scope, services: {}, ...(notifications && { notifications }) }
  return takeUp(desk, { release, decision: 'down', reason: 'taken down', by }, turn)
}

/** The names of the volumes that are gone. */
async function discardData({ seams }: Desk, { stack, environment, by }: DownRequest): Promise<readonly string[]> {
  const scope: Scope = { stack, environment }
  const message = 'its data are to go too'
  await seams.store.append(entryOf(scope, { atMs: seams.clock.now(), kind: 'decision.discard', by, message }))
  return recorded(seams, scope, { kind: 'discard', reason: message }, () => seams.engine.discardData(scope))
}
