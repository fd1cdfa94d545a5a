/**
 * Where a pool's servers are in HAProxy. Each lane is a backend, with two seats for a server: its own in its lane, and
 * a spare one in the other, which is used only while none of those that belong there is up. So a request whose lane
 * dies under it goes to the other lane at its next attempt; a rule that picked another backend would come too late.
 */
import type { Address } from '../../model/address.ts'
import type { Lane, PoolName, RouterServer } from '../router.ts'
import type { Seat, ServerRow } from './worker-report.ts'

/** Who has a seat. */
export interface Sitter {
  readonly pool: PoolName
  readonly instance: string
  readonly lane: Lane
  readonly isSpare: boolean
}

/** An instance with all the seats that it has; more than two once it was moved to the other lane. */
export interface PooledServer {
  readonly pool: PoolName
  readonly instance: string
  readonly address: Address
  readonly lane: Lane
  readonly admin: ServerRow['admin']
  readonly up: boolean
  readonly seats: readonly ServerRow[]
}

export const lanes = ['a', 'b'] as const

const laneB = ':b'
const spare = ':spare'
const hold = ':hold'

export function otherLane(lane: Lane): Lane {
  return lane === 'a' ? 'b' : 'a'
}

export function backendName(pool: PoolName, lane: Lane): string {
  return lane === 'a' ? pool : `${pool}${laneB}`
}

export function ownSeat(pool: PoolName, instance: string, lane: Lane): Seat {
  return { backend: backendName(pool, lane), server: instance }
}

export function spareSeat(pool: PoolName, instance: string, lane: Lane): Seat {
  return { backend: backendName(pool, otherLane(lane)), server: `${instance}${spare}` }
}

/**
 * A lane's seat for nobody, where requests wait. It is ready only while no spare one is: least connections are a tie
 * between the two where both are idle, and to wait is no use where somebody can answer.
 */
export function holdSeat(pool: PoolName, lane: Lane): Seat {
  return { backend: backendName(pool, lane), server: hold }
}

/** `BACKEND/SERVER`, as HAProxy's commands want it. */
export function seatName({ backend, server }: Seat): string {
  return `${backend}/${server}`
}

export function poolAndLane(backend: string): { readonly pool: PoolName; readonly lane: Lane } {
  const isB = backend.endsWith(laneB)
  return { pool: isB ? backend.slice(0, -laneB.length) : backend, lane: isB ? 'b' : 'a' }
}

/** Undefined for what is no instance: HAProxy has servers for other ends too. */
export function sitterOf({ backend, server }: Seat): Sitter | undefined {
  const { pool, lane } = poolAndLane(backend)
  const isSpare = server.endsWith(spare)
  const instance = isSpare ? server.slice(0, -spare.length) : server
  if ([pool, instance].some((name) => name === '' || /[:<]/.test(name))) return undefined
  return { pool, instance, lane: isSpare ? otherLane(lane) : lane, isSpare }
}

/**
 * Instances, from their seats. One is in the lane where its own seat is ready; there is never more than one such seat,
 * and its spare seat is always ready too.
 */
export function pooledServers(rows: readonly ServerRow[]): readonly PooledServer[] {
  const found = new Map<string, PooledServer>()
  for (const row of rows) {
    const sitter = sitterOf(row)
    if (sitter === undefined) continue
    const key = seatName({ backend: sitter.pool, server: sitter.instance })
    const known = found.get(key)
    found.set(key, { ...leading(known, row, sitter), seats: [...(known?.seats ?? []), row] })
  }
  return [...found.values()]
}

/** Of the seats so far and another one, what counts for the instance as a whole. */
function leading(known: PooledServer | undefined, row: ServerRow, sitter: Sitter): Omit<PooledServer, 'seats'> {
  const { pool, instance, lane, isSpare } = sitter
  const { address, up } = row
  if (known?.admin === 'ready') return known
  // A spare seat alone is that of a server which is only half there.
  const admin = isSpare && row.admin === 'ready' ? 'drain' : row.admin
  if (known !== undefined && rank[known.admin] >= rank[admin]) return known
  return { pool, instance, address, lane, admin, up }
}

const rank = { maint: 0, drain: 1, ready: 2 } as const

export function serverIn(rows: readonly ServerRow[], instance: string): PooledServer | undefined {
  return pooledServers(rows).find((server) => server.instance === instance)
}

export function seatsIn(rows: readonly ServerRow[], instance: string): readonly ServerRow[] {
  return serverIn(rows, instance)?.seats ?? []
}

export function stateOf({ admin, up }: Pick<PooledServer, 'admin' | 'up'>): RouterServer['state'] {
  if (admin !== 'ready') return 'draining'
  return up ? 'in' : 'down'
}
