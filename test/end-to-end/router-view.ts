/** HAProxy, asked past Repave: which servers its current worker has, and what it makes of them. */
import { join } from 'node:path'
import { pooledServers, sitterOf, type PooledServer } from '../../src/router/haproxy/lanes.ts'
import { MasterSocket } from '../../src/router/haproxy/master-socket.ts'
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
