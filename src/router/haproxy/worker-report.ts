/** What HAProxy's runtime commands answer, parsed; lines that make no sense are left out. */
import type { Address } from '../../model/address.ts'

/** A server by the names that HAProxy has for it. */
export interface Seat {
  readonly backend: string
  readonly server: string
}

/** One server in `show servers state`. */
export interface ServerRow extends Seat {
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
    const [backend, server] = [cell('be_name'), cell('srv_name')]
    const [host, port] = [cell('srv_addr'), Number(cell('srv_port'))]
    if (!backend || !server || !host || !(port > 0)) return []
    const bits = Number(cell('srv_admin_state'))
    const admin = bits & maintenanceBits ? 'maint' : bits & drainBits ? 'drain' : 'ready'
    return [{ backend, server, address: { host, port }, admin, up: cell('srv_op_state') !== '0' }]
  })
}

/** Where an answer to `show servers state` begins. */
export const serversHeader = /^(?=1\n# be_id)/m

/** The servers in every `show servers state` of a connection, whatever was answered before, between and after them. */
export function parseAllServers(text: string): readonly ServerRow[] {
  return text.split(serversHeader).flatMap(parseServers)
}

/** The answers to several commands in one connection: an empty line ends each. */
export function parseAnswers(text: string): readonly string[] {
  const answers: string[] = []
  const lines: string[] = []
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (line !== '') lines.push(line)
    else answers.push(lines.splice(0).join('\n'))
  }
  return lines.length > 0 ? [...answers, lines.join('\n')] : answers
}

/** A server and how many requests it is busy with. */
export interface SessionRow extends Seat {
  readonly sessions: number
}

/** `show servers conn`: a request has a connection of its own. Much cheaper than `show stat`. */
export function parseSessions(answer: string): readonly SessionRow[] {
  const [header, ...lines] = answer.split('\n')
  const column = indexOf((header ?? '').replace(/^# /, '').split(' '))
  return lines.flatMap((line) => {
    const cells = line.split(' ')
    const [backend, server] = (cells[column('bkname/svname')] ?? '').split('/')
    return backend && server ? [{ backend, server, sessions: Number(cells[column('used_cur')]) || 0 }] : []
  })
}

/** A listener and how many clients it has. */
export interface FrontendRow {
  readonly name: string
  readonly clients: number
}

/** The frontends in a `show stat` CSV. */
export function parseFrontends(answer: string): readonly FrontendRow[] {
  const [header, ...lines] = answer.split('\n')
  const column = indexOf((header ?? '').replace(/^# /, '').split(','))
  return lines.flatMap((line) => {
    const cells = line.split(',')
    const name = cells[column('pxname')]
    if (!name || cells[column('svname')] !== 'FRONTEND') return []
    return [{ name, clients: Number(cells[column('scur')]) || 0 }]
  })
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

/** The ids of the sessions in `show sess` that are at one of these servers. */
export function parseSessionIds(answer: string, seats: readonly Seat[]): readonly string[] {
  return answer.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const [id] = line.split(':')
    const isThere = seats.some(
      ({ backend, server }) => fields.includes(`be=${backend}`) && fields.includes(`srv=${server}`),
    )
    return id?.startsWith('0x') && isThere ? [id] : []
  })
}

function indexOf(names: readonly string[]): (name: string) => number {
  const places = new Map(names.map((name, index) => [name, index]))
  return (name) => places.get(name) ?? -1
}
