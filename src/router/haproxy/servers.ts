/** The servers of a running HAProxy, over all of its workers. Each change is looked at once it is made. */
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import type { Lane, PoolName } from '../router.ts'
import type { StaticServer } from './config.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import {
  backendName,
  lanes,
  ownSeat,
  pooledServers,
  seatsIn,
  serverIn,
  sitterOf,
  spareSeat,
  stateOf,
  type PooledServer,
} from './lanes.ts'
import * as commands from './seat-commands.ts'
import {
  parseAllServers,
  parseAnswers,
  parseFrontends,
  parseServers,
  parseSessionIds,
  parseSessions,
  serversHeader,
  type Seat,
  type ServerRow,
  type SessionRow,
} from './worker-report.ts'

const deletePollMs = 5
const deleteDeadlineMs = 5_000
const stuckMs = 1_000

/** Look-ups that tell of the servers, and of their sessions, of all pools or of one backend. */
export const listServers = (backend?: string) => `show servers state${backend === undefined ? '' : ` ${backend}`}`
export const countSessions = (backend?: string) => `show servers conn${backend === undefined ? '' : ` ${backend}`}`

/** What came of some commands. */
interface Changed {
  readonly rows: readonly ServerRow[]
  readonly words: string
}

/** The one that takes new connections. */
type Worker = Pick<Running, 'current'>

/** By `pool/instance`. */
export type SessionCounts = ReadonlyMap<string, number>

export class Servers {
  readonly #haproxy: HaproxyProcess
  readonly #clock: Clock

  constructor(haproxy: HaproxyProcess, clock: Clock) {
    this.#haproxy = haproxy
    this.#clock = clock
  }

  /** All servers of the current worker. */
  async list({ current }: Worker): Promise<readonly PooledServer[]> {
    return pooledServers(parseServers(await this.#haproxy.tell(current, listServers())))
  }

  /** Requests at each server, replaced workers' included. */
  async sessions(running: Running, pool?: PoolName): Promise<SessionCounts> {
    const lookups = pool === undefined ? [countSessions()] : lanes.map((lane) => countSessions(backendName(pool, lane)))
    const answers = await this.#haproxy.lookUp(running.current, lookups)
    return this.addLeaving(running, answers.flatMap(parseSessions), lookups)
  }

  /** What the current worker has, and what replaced ones still have. */
  async addLeaving(
    { old }: Running,
    rows: readonly SessionRow[],
    lookups: readonly string[] = [countSessions()],
  ): Promise<SessionCounts> {
    const leaving = old.map((pid) => this.#haproxy.master.tellLeaving(pid, ...lookups))
    return sum([...rows, ...(await Promise.all(leaving)).flatMap(parseAnswers).flatMap(parseSessions)])
  }

  /** The names of the current worker's frontends, one for each listener. */
  async frontends({ current }: Worker): Promise<readonly string[]> {
    const rows = parseFrontends(await this.#haproxy.tell(current, 'show stat -1 1 -1'))
    return rows.map(({ name }) => name)
  }

  async add(pool: PoolName, instance: string, address: Address, lane: Lane): Promise<void> {
    const seen = await this.#look(pool)
    if (seen === undefined) throw notRunning()
    let { rows } = seen
    const known = serverIn(rows, instance)
    if (known && !sameAddress(known.address, address)) {
      await this.delete(seen, pool, instance)
      rows = await this.#rows(seen, pool)
    }
    let words = ''
    if (!isIn(rows, instance, lane))
      ({ rows, words } = await this.#change(seen, pool, commands.moveIn(rows, pool, instance, address, lane)))
    if (!isIn(rows, instance, lane)) throw failed(`add ${instance} to ${pool}`, words)
    await this.#tell(seen, commands.endHolds(rows, pool))
  }

  /** No new request reaches it from here on. */
  async drain(pool: PoolName, instance: string): Promise<void> {
    const seen = await this.#look(pool)
    if (seen === undefined || !seatsIn(seen.rows, instance).some(commands.isReady)) return
    const drained = await this.#change(seen, pool, commands.drain(seen.rows, instance))
    if (seatsIn(drained.rows, instance).some(commands.isReady))
      throw failed(`drain ${instance} of ${pool}`, drained.words)
  }

  /**
   * Ends every request that the server still has. Idempotent ones are tried again on another server; in a replaced
   * worker, whose servers can't be changed, that may be the same one, so this is to be repeated.
   */
  async cut(running: Running, pool: PoolName, instance: string): Promise<void> {
    await this.#tell(running, commands.cut(await this.#rows(running, pool), instance))
    for (const pid of running.old) {
      const ids = parseSessionIds(await this.#haproxy.master.tellLeaving(pid, 'show sess'), allSeats(pool, instance))
      for (const id of ids) await this.#haproxy.master.tellLeaving(pid, `shutdown session ${id}`)
    }
  }

  /** Removes a server; HAProxy refuses as long as connections to it are being closed. Only a stuck one is cut. */
  async delete(worker: Worker, pool: PoolName, instance: string): Promise<void> {
    const beganAtMs = this.#clock.steady()
    let rows = await this.#rows(worker, pool)
    while (seatsIn(rows, instance).length > 0) {
      const removed = await this.#change(worker, pool, commands.remove(rows, instance))
      rows = removed.rows
      const left = seatsIn(rows, instance)
      if (left.length === 0) return
      const tookMs = this.#clock.steady() - beganAtMs
      if (tookMs > deleteDeadlineMs) throw failed(`delete ${instance} from ${pool}`, removed.words)
      if (tookMs > stuckMs) await this.#tell(worker, left.map(commands.shutDown))
      await this.#clock.sleep(deletePollMs)
    }
  }

  /** How a running HAProxy's servers are written down for a reload; those in maintenance are being removed. */
  static toStatic(servers: readonly PooledServer[]): readonly StaticServer[] {
    return servers
      .filter(({ admin }) => admin !== 'maint')
      .map((server) => {
        const { pool, instance, address, lane } = server
        return { pool, instance, address, lane, state: stateOf(server) }
      })
  }

  /** After a reload, for which they were written down. */
  async restore(worker: Worker, servers: readonly PooledServer[]): Promise<void> {
    for (const server of servers) await this.#tell(worker, commands.comeBack(server))
  }

  /** The running HAProxy with both lanes' seats, those for nobody included. */
  async #look(pool: PoolName): Promise<(Worker & { readonly rows: readonly ServerRow[] }) | undefined> {
    const seen = await this.#haproxy.look(listPool(pool))
    return seen && { current: seen.current, rows: seen.answers.flatMap(parseServers) }
  }

  async #rows({ current }: Worker, pool: PoolName): Promise<readonly ServerRow[]> {
    return (await this.#haproxy.lookUp(current, listPool(pool))).flatMap(parseServers)
  }

  /** The seats once they are changed, and what HAProxy said to that. */
  async #change({ current }: Worker, pool: PoolName, changes: readonly string[]): Promise<Changed> {
    const answer = await this.#haproxy.tell(current, ...changes, ...listPool(pool))
    const listedAt = answer.search(serversHeader)
    return { rows: parseAllServers(answer), words: inLine(listedAt < 0 ? answer : answer.slice(0, listedAt)) }
  }

  /** What HAProxy says to some commands, in a line. */
  async #tell({ current }: Worker, words: readonly string[]): Promise<string> {
    if (words.length === 0) return ''
    return inLine(await this.#haproxy.tell(current, ...words))
  }
}

function listPool(pool: PoolName): readonly string[] {
  return lanes.map((lane) => listServers(backendName(pool, lane)))
}

function inLine(answer: string): string {
  return answer
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('; ')
}

/** All that an instance may have. */
function allSeats(pool: PoolName, instance: string): readonly Seat[] {
  return lanes.flatMap((lane) => [ownSeat(pool, instance, lane), spareSeat(pool, instance, lane)])
}

function sum(rows: readonly SessionRow[]): SessionCounts {
  const total = new Map<string, number>()
  for (const row of rows) {
    const sitter = sitterOf(row)
    if (sitter === undefined) continue
    const key = serverKey(sitter.pool, sitter.instance)
    total.set(key, (total.get(key) ?? 0) + row.sessions)
  }
  return total
}

export function serverKey(pool: PoolName, instance: string): string {
  return `${pool}/${instance}`
}

function isIn(rows: readonly ServerRow[], instance: string, lane: Lane): boolean {
  const server = serverIn(rows, instance)
  return server?.admin === 'ready' && server.lane === lane
}

function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}

function failed(action: string, words: string): RepaveError {
  return new RepaveError('ROUTER_FAILED', `HAProxy did not ${action}: ${words || 'no reason given'}`, {
    hint: 'the pool must be configured before its servers are added; else try again',
  })
}

export function notRunning(): RepaveError {
  return new RepaveError('ROUTER_UNREACHABLE', 'HAProxy is not running', {
    hint: 'it is started with the next route that is configured',
  })
}
