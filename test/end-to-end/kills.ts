/** Kills instances past Repave, and tells which lost requests that explains. */
import type { Random } from '../../src/system/random.ts'
import type { LoadReport } from '../load/tally.ts'
import { kill } from './processes.ts'
import type { Scene } from './scene.ts'

export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Between the order to kill and the router's notice of the closed connections; a busy machine takes its time. */
const noticeMs = 250

/** By the engine, or the first process from the machine. What has just ended stays as it is. */
export async function killInSomeWay(scene: Scene, id: string, random: Random): Promise<Span> {
  const pid = await scene.engine.firstProcess(id)
  const fromMs = Date.now()
  if (random.integer(2) === 0) await scene.engine.signal(id, 'KILL')
  else if (pid > 0) kill(pid)
  return { fromMs, toMs: Date.now() + noticeMs }
}

/** Failures of requests that were not in flight while something was killed. */
export function unexplained({ failures }: LoadReport, killed: readonly Span[]) {
  return failures.filter(({ sentAtMs, atMs }) => !killed.some(({ fromMs, toMs }) => atMs >= fromMs && sentAtMs <= toMs))
}
