/** HAProxy, asked past Repave: which servers its current worker has, and what it makes of them. */
import { join } from 'node:path'
import { holdServer } from '../../src/router/haproxy/config.ts'
import { MasterSocket } from '../../src/router/haproxy/master-socket.ts'
import { parseServers, parseSessions, type ServerRow } from '../../src/router/haproxy/worker-report.ts'

export class RouterView {
  readonly #master: MasterSocket

  constructor(home: string) {
    this.#master = new MasterSocket(join(home, 'haproxy'))
  }

  async servers(): Promise<readonly ServerRow[]> {
    const answer = await this.#master.tell(await this.#worker(), 'show servers state')
    return parseServers(answer).filter(({ instance }) => instance !== holdServer)
  }

  /** Requests at or queued for each server, by the name of its instance. */
  async requests(): Promise<ReadonlyMap<string, number>> {
    const sessions = parseSessions(await this.#master.tell(await this.#worker(), 'show stat -1 4 -1'))
    return new Map([...sessions].map(([server, count]) => [server.slice(server.indexOf('/') + 1), count]))
  }

  async #worker(): Promise<number> {
    const processes = await this.#master.processes()
    if (processes?.current === undefined) throw new Error('no HAProxy serves')
    return processes.current
  }
}
