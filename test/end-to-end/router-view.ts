/** HAProxy, asked past Repave: which servers its current worker has, and what it makes of them. */
import { join } from 'node:path'
import type { Address } from '../../src/model/address.ts'
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
    const [listed] = await this.#lookUp('show servers state')
    return pooledServers(parseServers(listed ?? ''))
  }

  /** Those in lanes that get requests. */
  async inRotation(): Promise<readonly PooledServer[]> {
    // The servers first: a lane has all of its own before it gets a share.
    const [listed = '', shown = ''] = await this.#lookUp('show servers state', `show map ${splitFile}`)
    const splits = splitsOf(parseMap(shown))
    return pooledServers(parseServers(listed)).filter(({ pool, lane }) => {
      const toB = splits.get(pool) ?? 0
      return lane === 'b' ? toB > 0 : toB < 1_000
    })
  }

  /** Requests at each server, by the name of its instance. */
  async requests(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    const [counted = ''] = await this.#lookUp('show servers conn')
    for (const row of parseSessions(counted)) {
      const { instance } = sitterOf(row) ?? {}
      if (instance !== undefined) counts.set(instance, (counts.get(instance) ?? 0) + row.sessions)
    }
    return counts
  }

  /** Sends the requests of an instance elsewhere, past Repave. */
  async readdress(instance: string, { host, port }: Address): Promise<void> {
    const seats = (await this.servers())
      .filter((server) => server.instance === instance)
      .flatMap((server) => server.seats)
    const commands = seats.map(({ backend, server }) => `set server ${backend}/${server} addr ${host} port ${port}`)
    await this.#master.survey(commands)
  }

  async #lookUp(...lookups: readonly string[]): Promise<readonly string[]> {
    const seen = await this.#master.survey(lookups)
    if (seen?.processes.current === undefined || seen.answers.length < lookups.length)
      throw new Error('no HAProxy serves')
    return seen.answers
  }
}
