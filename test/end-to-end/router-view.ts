/** HAProxy, asked past Repave: which servers its current worker has, and what it makes of them. */
import { join } from 'node:path'
import { splitFile } from '../../src/router/haproxy/config.ts'
import { pooledServers, sitterOf, type PooledServer } from '../../src/router/haproxy/lanes.ts'
import { MasterSocket } from '../../src/router/haproxy/master-socket.ts'
import { parseMap, splitsOf } from '../../src/router/haproxy/routing.ts'
import { parseServers, parseSessions } from '../../src/router/haproxy/worker-report.ts'

export class RouterView {
  readonly #master: MasterSocket

  constructor(home: string) {
    this.#master = new MasterSocket(join(home, 'haproxy'))
  }

  async servers(): Promise<readonly PooledServer[]> {
    const answer = await this.#master.tell(await this.#worker(), 'show servers state')
    return pooledServers(parseServers(answer))
  }

  /** Those in lanes that get requests. */
  async inRotation(): Promise<readonly PooledServer[]> {
    // The servers first: a lane has all of its own before it gets a share.
    const lookups = ['show servers state', `show map ${splitFile}`]
    const [listed = '', shown = ''] = await this.#master.lookUp(await this.#worker(), lookups)
    const splits = splitsOf(parseMap(shown))
    return pooledServers(parseServers(listed)).filter(({ pool, lane }) => {
      const toB = splits.get(pool) ?? 0
      return lane === 'b' ? toB > 0 : toB < 1_000
    })
  }

  /** Requests at each server, by the name of its instance. */
  async requests(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (const row of parseSessions(await this.#master.tell(await this.#worker(), 'show servers conn'))) {
      const { instance } = sitterOf(row) ?? {}
      if (instance !== undefined) counts.set(instance, (counts.get(instance) ?? 0) + row.sessions)
    }
    return counts
  }

  async #worker(): Promise<number> {
    const processes = await this.#master.processes()
    if (processes?.current === undefined) throw new Error('no HAProxy serves')
    return processes.current
  }
}
