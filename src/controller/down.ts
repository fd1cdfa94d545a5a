/** `down`: the instances, routes and network of an environment go away; its history stays. */
import type { ProgressReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import type { Caller } from './commands.ts'
import type { Desk } from './desk.ts'
import { awaitRest, takeUp } from './take-up.ts'
import type { Turn } from './turns.ts'

export async function* down(
  desk: Desk,
  { stack, environment, by }: Scope & Caller,
  turn: Turn,
): AsyncIterable<ProgressReport> {
  const scope: Scope = { stack, environment }
  const isDown = desk.loop.decisions.of(scope)?.decision === 'down'
  if (isDown) return yield* awaitRest(desk, scope, turn)
  if (!desk.loop.sight?.engine.scopes.some((each) => each.stack === stack && each.environment === environment))
    desk.known(scope)
  yield* takeUp(desk, { release: { ...scope, services: {} }, decision: 'down', reason: 'taken down', by }, turn)
}
