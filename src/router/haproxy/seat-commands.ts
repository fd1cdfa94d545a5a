/** The runtime commands that change who sits where, as a function of who does. Pure. */
import type { Address } from '../../model/address.ts'
import type { Lane, PoolName } from '../router.ts'
import { ownServerOptions, spareServerOptions } from './config.ts'
import {
  holdSeat,
  lanes,
  otherLane,
  ownSeat,
  poolAndLane,
  seatName,
  seatsIn,
  sitterOf,
  spareSeat,
  stateOf,
  type PooledServer,
} from './lanes.ts'
import { listenerName } from './routing.ts'
import type { Seat, ServerRow } from './worker-report.ts'

type Commands = readonly string[]
type Rows = readonly ServerRow[]

/**
 * Into a lane. From the other one it is moved in such an order that each lane can use one of its seats at any time,
 * and that a controller which goes on after another died half-way sees that there is something to be done.
 */
export function moveIn(rows: Rows, pool: PoolName, instance: string, address: Address, lane: Lane): Commands {
  const left = otherLane(lane)
  return [
    ...enter(spareSeat(pool, instance, lane), address, spareServerOptions),
    ...leave(rows, readyAt(rows, ownSeat(pool, instance, left))),
    ...enter(ownSeat(pool, instance, lane), address, ownServerOptions),
    ...leave(rows, readyAt(rows, spareSeat(pool, instance, left))),
  ]
}

/** Where a spare seat has come, requests need not wait. */
export function endHolds(rows: Rows, pool: PoolName): Commands {
  const holds = lanes.map((lane) => holdSeat(pool, lane)).filter(({ backend }) => hasReadySpare(rows, backend))
  return holds.flatMap((hold) => readyAt(rows, hold)).map(maintain)
}

export function drain(rows: Rows, instance: string): Commands {
  return leave(rows, seatsIn(rows, instance).filter(isReady))
}

export function cut(rows: Rows, instance: string): Commands {
  const seats = seatsIn(rows, instance)
  return [...drain(rows, instance), ...seats.map(maintain), ...seats.map(shutDown)]
}

export function remove(rows: Rows, instance: string): Commands {
  const seats = seatsIn(rows, instance)
  return [...drain(rows, instance), ...seats.map(maintain), ...seats.map(removeSeat)]
}

/** What has started as disabled drains again, or is down until its next good check. */
export function comeBack(server: PooledServer): Commands {
  const { pool, instance, lane } = server
  const own = ownSeat(pool, instance, lane)
  switch (stateOf(server)) {
    case 'in':
      return []
    case 'draining':
      return [own, spareSeat(pool, instance, lane)].map(drainSeat)
    case 'down':
      return [makeReady(own), `set server ${seatName(own)} health down`]
  }
}

/**
 * Added disabled and then enabled, since the word `enabled` on `add server` corrupts the backend's counters in HAProxy
 * 2.6. A seat that is there already comes back.
 */
function enter(seat: Seat, { host, port }: Address, options: string): Commands {
  const name = seatName(seat)
  return [
    `add server ${name} ${listenerName({ address: host, port })} ${options}`,
    `enable health ${name}`,
    makeReady(seat),
  ]
}

/** New requests first have to have somewhere else to go: where no spare seat is left, they wait from here on. */
function leave(rows: Rows, leaving: Rows): Commands {
  const staying = rows.filter((row) => !leaving.includes(row))
  const bereft = leaving.filter(isSpare).filter(({ backend }) => !hasReadySpare(staying, backend))
  const holds = bereft.map(({ backend }) => poolAndLane(backend)).map(({ pool, lane }) => holdSeat(pool, lane))
  const own = leaving.filter((row) => !isSpare(row))
  return [...holds.map(makeReady), ...own.map(drainSeat), ...leaving.filter(isSpare).map(drainSeat)]
}

function hasReadySpare(rows: Rows, backend: string): boolean {
  return rows.some((row) => row.backend === backend && isSpare(row) && isReady(row))
}

function readyAt(rows: Rows, { backend, server }: Seat): Rows {
  return rows.filter((row) => row.backend === backend && row.server === server && isReady(row))
}

export function isReady({ admin }: ServerRow): boolean {
  return admin === 'ready'
}

function isSpare(seat: Seat): boolean {
  return sitterOf(seat)?.isSpare ?? false
}

const makeReady = (seat: Seat) => `set server ${seatName(seat)} state ready`
const drainSeat = (seat: Seat) => `set server ${seatName(seat)} state drain`
const maintain = (seat: Seat) => `set server ${seatName(seat)} state maint`
const removeSeat = (seat: Seat) => `del server ${seatName(seat)}`
export const shutDown = (seat: Seat) => `shutdown sessions server ${seatName(seat)}`
