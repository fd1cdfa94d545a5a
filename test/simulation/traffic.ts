/** Simulated clients: requests that last, sent to the routes of what is decided, at times that the seed chooses. */
import type { MemoryProxy, MemorySession } from '../../src/router/memory/memory-proxy.ts'
import { matchRoute } from '../../src/router/memory/route-match.ts'
import type { Clock } from '../../src/system/clock.ts'
import type { Random } from '../../src/system/random.ts'
import { routeOf, scopes, serviceNames } from './catalogue.ts'

export interface TrafficListener {
  /** A request was made and brought to an instance, or to none. */
  onRequest(pool: string, session: MemorySession | undefined): void
  onEnd(session: MemorySession): void
}

const targets = scopes.flatMap((scope) =>
  serviceNames.filter((name) => name !== 'worker').map((name) => routeOf(scope, name)),
)

/** Sends requests until `signal` aborts. */
export async function sendRequests(
  proxy: MemoryProxy,
  clock: Clock,
  random: Random,
  listener: TrafficListener,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { listen, path } of targets) {
      const target = { listen, host: 'localhost', path }
      const pick = proxy.pick(target)
      const pool = matchRoute(proxy.services, target)
      if (!pool) continue
      const session = pick.kind === 'picked' ? pick.session : undefined
      listener.onRequest(pool, session)
      if (session) void last(session, clock, drawDuration(random), listener)
    }
    await clock.sleep(100 + random.integer(900), signal).catch(() => undefined)
  }
}

async function last(session: MemorySession, clock: Clock, ms: number, listener: TrafficListener): Promise<void> {
  await clock.sleep(ms)
  session.end()
  listener.onEnd(session)
}

/** Mostly short, at times longer than any drain. */
function drawDuration(random: Random): number {
  return random.next() < 0.9 ? random.integer(400) : random.integer(8_000)
}
