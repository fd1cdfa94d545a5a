/** Simulated clients: requests that last, sent to the routes of what is decided, at times that the seed chooses. */
import type { MemoryProxy, MemorySession } from '../../src/router/memory/memory-proxy.ts'
import { matchRoute, type Target } from '../../src/router/memory/route-match.ts'
import type { Clock } from '../../src/system/clock.ts'
import type { Random } from '../../src/system/random.ts'
import { routeOf, scopes, serviceNames, type Manners } from './catalogue.ts'

export interface TrafficListener {
  /** A request was made and brought to an instance, or to none. */
  onRequest(pool: string, session: MemorySession | undefined): void
  onEnd(session: MemorySession): void
  /** How the instance that has the request answers it. */
  manners(session: MemorySession): Manners
  /** Whether a rollout of the pool is judged by its requests. */
  isJudged(pool: string): boolean
}

const targets = scopes.flatMap((scope) =>
  serviceNames.filter((name) => name !== 'worker').map((name) => routeOf(scope, name)),
)

/** So many at once where a rollout is judged by them, so that it has not to wait for long. */
const manyRequests = 4

/** Sends requests until `signal` aborts. */
export async function sendRequests(
  proxy: MemoryProxy,
  clock: Clock,
  random: Random,
  listener: TrafficListener,
  signal: AbortSignal,
): Promise<void> {
  const send = (target: Target, pool: string) => {
    const pick = proxy.pick(target)
    const session = pick.kind === 'picked' ? pick.session : undefined
    listener.onRequest(pool, session)
    if (session) void last(session, clock, random, listener)
  }
  while (!signal.aborted) {
    for (const { listen, path } of targets) {
      const target = { listen, host: 'localhost', path }
      const pool = matchRoute(proxy.services, target)
      if (!pool) continue
      for (let times = listener.isJudged(pool) ? manyRequests : 1; times > 0; times--) send(target, pool)
    }
    await clock.sleep(100 + random.integer(900), signal).catch(() => undefined)
  }
}

async function last(session: MemorySession, clock: Clock, random: Random, listener: TrafficListener): Promise<void> {
  const { errors, delayMs } = listener.manners(session)
  const fails = errors > 0 && random.next() < errors
  await clock.sleep(drawDuration(random) + delayMs)
  session.end(fails ? 500 : 200)
  listener.onEnd(session)
}

/** Mostly short, at times longer than any drain. */
function drawDuration(random: Random): number {
  return random.next() < 0.9 ? random.integer(400) : random.integer(8_000)
}
