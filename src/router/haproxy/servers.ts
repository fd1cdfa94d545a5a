/** The servers of a running HAProxy, over all of its workers. Each change is looked at once it is made. */
import { RepaveError } from '../../errors.ts'
import type { Address } from '../../model/address.ts'
import type { Clock } from '../../system/clock.ts'
import type { Lane, PoolName, RouterServer } from '../router.ts'
import { ownServerOptions, spareServerOptions, type StaticServer } from './config.ts'
import type { HaproxyProcess, Running } from './haproxy-process.ts'
import {
  backendName,
  holdSeat,
  lanes,
  otherLane,
  ownSeat,
  poolAndLane,
  pooledServers,
  seatName,
  sitterOf,
  spareSeat,
  type PooledServer,
} from './lanes.ts'
import { listenerName } from './routing.ts'
import {
  parseAnswers,
  parseFrontends,
  parseServers,
  parseSessionIds,
  parseSessions,
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
  async list({ current }: Running): Promise<readonly PooledServer[]> {
    return pooledServers(parseServers(await this.#haproxy.master.tell(current, listServers())))
  }

  /** Requests at each server, replaced workers' included. */
  async sessions(running: Running, pool?: PoolName): Promise<SessionCounts> {
    const lookups = pool === undefined ? [countSessions()] : lanes.map((lane) => countSessions(backendName(pool, lane)))
    const answers = await this.#haproxy.master.lookUp(running.current, lookups)
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
  async frontends({ current }: Running): Promise<readonly string[]> {
    const rows = parseFrontends(await this.#haproxy.master.tell(current, 'show stat -1 1 -1'))
    return rows.map(({ name }) => name)
  }

  /**
   * Into a lane. From the other one it is moved in such an order that each lane can use one of its seats at any time,
   * and that a controller which goes on after another died half-way sees that there is something to be done.
   */
  async add(running: Running, pool: PoolName, instance: string, address: Address, lane: Lane): Promise<void> {
    let rows = await this.#rows(running, pool)
    const known = serverIn(rows, instance)
    if (known && !sameAddress(known.address, address)) {
      await this.delete(running, pool, instance)
      rows = await this.#rows(running, pool)
    }
    let words = ''
    if (!isIn(rows, instance, lane)) {
      words = await this.#tell(running, [
        ...enter(spareSeat(pool, instance, lane), address, spareServerOptions),
        ...leave(rows, readyAt(rows, ownSeat(pool, instance, otherLane(lane)))),
        ...enter(ownSeat(pool, instance, lane), address, ownServerOptions),
        ...leave(rows, readyAt(rows, spareSeat(pool, instance, otherLane(lane)))),
      ])
      rows = await this.#rows(running, pool)
    }
    if (!isIn(rows, instance, lane)) throw failed(`add ${instance} to ${pool}`, words)
    await this.#endHolds(running, pool, rows)
  }

  /** No new request reaches it from here on. */
  async drain(running: Running, pool: PoolName, instance: string): Promise<void> {
    const rows = await this.#rows(running, pool)
    const ready = seatsIn(rows, instance).filter(isReady)
    if (ready.length === 0) return
    const words = await this.#tell(running, leave(rows, ready))
    if (seatsIn(await this.#rows(running, pool), instance).some(isReady))
      throw failed(`drain ${instance} of ${pool}`, words)
  }

  /**
   * Ends every request that the server still has. Idempotent ones are tried again on another server; in a replaced
   * worker, whose servers can't be changed, that may be the same one, so this is to be repeated.
   */
  async cut(running: Running, pool: PoolName, instance: string): Promise<void> {
    const rows = await this.#rows(running, pool)
    const seats = seatsIn(rows, instance)
    if (seats.length > 0)
      await this.#tell(running, [...leave(rows, seats.filter(isReady)), ...seats.map(maintain), ...seats.map(shutDown)])
    for (const pid of running.old) {
      const ids = parseSessionIds(await this.#haproxy.master.tellLeaving(pid, 'show sess'), allSeats(pool, instance))
      for (const id of ids) await this.#haproxy.master.tellLeaving(pid, `shutdown session ${id}`)
    }
  }

  /** Removes a server; HAProxy refuses as long as connections to it are being closed. Only a stuck one is cut. */
  async delete(running: Running, pool: PoolName, instance: string): Promise<void> {
    const beganAtMs = this.#clock.steady()
    let rows = await this.#rows(running, pool)
    for (let seats = seatsIn(rows, instance); seats.length > 0;) {
      const words = await this.#tell(running, [
        ...leave(rows, seats.filter(isReady)),
        ...seats.map(maintain),
        ...seats.map(deleteSeat),
      ])
      rows = await this.#rows(running, pool)
      seats = seatsIn(rows, instance)
      const tookMs = this.#clock.steady() - beganAtMs
      if (seats.length === 0) return
      if (tookMs > deleteDeadlineMs) throw failed(`delete ${instance} from ${pool}`, words)
      if (tookMs > stuckMs) await this.#tell(running, seats.map(shutDown))
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

  /** After a reload: draining servers drain again, and down ones are in, but down until their next good check. */
  async restore(running: Running, servers: readonly PooledServer[]): Promise<void> {
    for (const server of servers) {
      const { pool, instance, lane, admin } = server
      const own = ownSeat(pool, instance, lane)
      if (admin === 'drain') await this.#tell(running, [own, spareSeat(pool, instance, lane)].map(drainSeat))
      else if (stateOf(server) === 'down') await this.#tell(running, returnDown(own))
    }
  }

  /** Both lanes' seats, those for nobody included. */
  async #rows({ current }: Running, pool: PoolName): Promise<readonly ServerRow[]> {
    const lookups = lanes.map((lane) => listServers(backendName(pool, lane)))
    return (await this.#haproxy.master.lookUp(current, lookups)).flatMap(parseServers)
  }

  async #endHolds(running: Running, pool: PoolName, rows: readonly ServerRow[]): Promise<void> {
    const holds = lanes.map((lane) => holdSeat(pool, lane)).filter((hold) => hasReadySpare(rows, hold.backend))
    const ready = holds.flatMap((hold) => readyAt(rows, hold))
    if (ready.length > 0) await this.#tell(running, ready.map(maintain))
  }

  async #tell({ current }: Running, commands: readonly string[]): Promise<string> {
    const answer = await this.#haproxy.master.tell(current, ...commands)
    return answer
      .split('\n')
      .filter((line) => line.trim() !== '')
      .join('; ')
  }
}

/**
 * Added disabled and then enabled, since the word `enabled` on `add server` corrupts the backend's counters in HAProxy
 * 2.6. A seat that is there already comes back.
 */
function enter(seat: Seat, { host, port }: Address, options: string): readonly string[] {
  const name = seatName(seat)
  return [
    `add server ${name} ${listenerName({ address: host, port })} ${options}`,
    `enable health ${name}`,
    makeReady(seat),
  ]
}

/** New requests first have to have somewhere else to go: where no spare seat is left, they wait from here on. */
function leave(rows: readonly ServerRow[], leaving: readonly ServerRow[]): readonly string[] {
  const staying = rows.filter((row) => !leaving.includes(row))
  const bereft = lanes
    .flatMap((lane) => leaving.slice(0, 1).map((row) => holdSeat(poolAndLane(row.backend).pool, lane)))
    .filter(({ backend }) => hasReadySpare(rows, backend) && !hasReadySpare(staying, backend))
  return [...bereft.map(makeReady), ...ownFirst(leaving).map(drainSeat)]
}

function hasReadySpare(rows: readonly ServerRow[], backend: string): boolean {
  return rows.some((row) => row.backend === backend && isSpare(row) && isReady(row))
}

function readyAt(rows: readonly ServerRow[], { backend, server }: Seat): readonly ServerRow[] {
  return rows.filter((row) => row.backend === backend && row.server === server && isReady(row))
}

function serverIn(rows: readonly ServerRow[], instance: string): PooledServer | undefined {
  return pooledServers(rows).find((server) => server.instance === instance)
}

function seatsIn(rows: readonly ServerRow[], instance: string): readonly ServerRow[] {
  return serverIn(rows, instance)?.seats ?? []
}

function isIn(rows: readonly ServerRow[], instance: string, lane: Lane): boolean {
  const server = serverIn(rows, instance)
  return server?.admin === 'ready' && server.lane === lane
}

export function stateOf({ admin, up }: Pick<PooledServer, 'admin' | 'up'>): RouterServer['state'] {
  if (admin !== 'ready') return 'draining'
  return up ? 'in' : 'down'
}

const makeReady = (seat: Seat) => `set server ${seatName(seat)} state ready`
const drainSeat = (seat: Seat) => `set server ${seatName(seat)} state drain`
const maintain = (seat: Seat) => `set server ${seatName(seat)} state maint`
const shutDown = (seat: Seat) => `shutdown sessions server ${seatName(seat)}`
const deleteSeat = (seat: Seat) => `del server ${seatName(seat)}`
const returnDown = (seat: Seat) => [makeReady(seat), `set server ${seatName(seat)} health down`]

function isReady({ admin }: ServerRow): boolean {
  return admin === 'ready'
}

function ownFirst(seats: readonly Seat[]): readonly Seat[] {
  return seats.toSorted((a, b) => Number(isSpare(a)) - Number(isSpare(b)))
}

function isSpare(seat: Seat): boolean {
  return sitterOf(seat)?.isSpare ?? false
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

function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}

function failed(action: string, words: string): RepaveError {
  return new RepaveError('ROUTER_FAILED', `HAProxy did not ${action}: ${words || 'no reason given'}`, {
    hint: 'the pool must be configured before its servers are added; else try again',
  })
}
