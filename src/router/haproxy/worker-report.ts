/** What HAProxy's runtime commands answer, parsed; lines that make no sense are left out. */
import type { Address } from '../../model/address.ts'

/** One server in `show servers state`. */
export interface ServerRow {
  readonly pool: string
  readonly instance: string
  readonly address: Address
  /** `ready`, or taken out by `drain` or `maint`. */
  readonly admin: 'ready' | 'drain' | 'maint'
  readonly up: boolean
}

/** The pids in `show proc`; `old` ones were replaced by a reload and finish what they have. */
export interface Processes {
  readonly master: number
  readonly current: number | undefined
  readonly old: readonly number[]
}

/** Bits of `srv_admin_state` (HAProxy management guide, `show servers state`). */
const maintenanceBits = 0x01 | 0x02 | 0x20
const drainBits = 0x08 | 0x10

export function parseServers(answer: string): readonly ServerRow[] {
  const [, header, ...lines] = answer.split('\n')
  const column = indexOf((header ?? '').replace(/^# /, '').split(' '))
  return lines.flatMap((line) => {
    const cells = line.split(' ')
    const cell = (name: string) => cells[column(name)] ?? ''
    const [pool, instance, host, port] = [cell('be_name'), cell('srv_name'), cell('srv_addr'), Number(cell('srv_port'))]
    if (!pool || !instance || !host || !(port > 0)) return []
    const bits = Number(cell('srv_admin_state'))
    const admin = bits & maintenanceBits ? 'maint' : bits & drainBits ? 'drain' : 'ready'
    return [{ pool, instance, address: { host, port }, admin, up: cell('srv_op_state') !== '0' }]
  })
}

/** How many requests are at or queued for each server in a `show stat` CSV, by `pool/instance`. */
export function parseSessions(answer: string): ReadonlyMap<string, number> {
  const [header, ...lines] = answer.split('\n')
  const column = indexOf((header ?? '').replace(/^# /, '').split(','))
  return new Map(
    lines.flatMap((line) => {
      const cells = line.split(',')
      const count = (name: string) => Number(cells[column(name)]) || 0
      const [pool, server] = [cells[column('pxname')], cells[column('svname')]]
      return pool && server ? [[`${pool}/${server}`, count('scur') + count('qcur')] as const] : []
    }),
  )
}

/** The names of the frontends in a `show stat` CSV. */
export function parseFrontends(answer: string): readonly string[] {
  return [...parseSessions(answer).keys()].flatMap((name) =>
    name.endsWith('/FRONTEND') ? [name.slice(0, -'/FRONTEND'.length)] : [],
  )
}

/** `show proc`: a table with the sections `# workers` and `# old workers`. */
export function parseProcesses(answer: string): Processes | undefined {
  const rows = { master: [] as number[], workers: [] as number[], old: [] as number[] }
  let section: keyof typeof rows | undefined = 'master'
  for (const line of answer.split('\n')) {
    if (line.startsWith('# ')) section = line === '# workers' ? 'workers' : line === '# old workers' ? 'old' : undefined
    const pid = Number(/^(\d+)\s+(?:master|worker)\s/.exec(line)?.[1])
    if (section !== undefined && pid > 0) rows[section].push(pid)
  }
  const [master] = rows.master
  return master === undefined ? undefined : { master, current: rows.workers[0], old: rows.old }
}

/** `Name: value` lines of `show info`, with names in lower case. */
export function parseInfo(answer: string): ReadonlyMap<string, string> {
  const pairs = answer.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line))
  return new Map(pairs.flatMap((pair) => (pair ? [[pair[1]?.toLowerCase() ?? '', pair[2] ?? ''] as const] : [])))
}

/** The ids of the sessions in `show sess` that are at `server` of `pool`. */
export function parseSessionIds(answer: string, pool: string, server: string): readonly string[] {
  return answer.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const [id] = line.split(':')
    return id?.startsWith('0x') && fields.includes(`be=${pool}`) && fields.includes(`srv=${server}`) ? [id] : []
  })
}

function indexOf(names: readonly string[]): (name: string) => number {
  const places = new Map(names.map((name, index) => [name, index]))
  return (name) => places.get(name) ?? -1
}
