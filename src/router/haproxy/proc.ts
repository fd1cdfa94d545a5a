/** What /proc tells about processes and sockets (proc(5)). */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

export interface ProcessEntry {
  readonly pid: number
  readonly argv: readonly string[]
}

/**
 * The HAProxy processes, master and workers, that run the configuration `configFile`: the only ones that may be
 * signalled. A process in a container may name the same path, so it has to share our pid namespace.
 */
export async function haproxiesOf(configFile: string): Promise<readonly number[]> {
  const namespace = await readlink('/proc/self/ns/pid')
  const processes = await listProcesses()
  const named = processes.filter(({ argv }) => runsConfig(argv, configFile))
  const own = await Promise.all(
    named.map(async ({ pid }) => (await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) === namespace),
  )
  return named.filter((_, index) => own[index]).map(({ pid }) => pid)
}

/** Whether an argument vector is that of a serving HAProxy (not a check) with this configuration. */
export function runsConfig(argv: readonly string[], configFile: string): boolean {
  const [program = '', ...rest] = argv
  const configured = rest.some((argument, index) => argument === configFile && rest[index - 1] === '-f')
  return basename(program).startsWith('haproxy') && rest.includes('-W') && configured
}

/** `nginx (pid 4711)`, `pid 4711`: who listens on a TCP port, where that can be seen. */
export async function portHolders(port: number): Promise<readonly ProcessEntry[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')),
  )
  const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`))
  const processes = await listProcesses()
  const holds = await Promise.all(processes.map(({ pid }) => holdsAny(pid, sockets)))
  return processes.filter((_, index) => holds[index])
}

/** The inodes of listening sockets on `port` in the text of /proc/net/tcp. */
export function listeningInodes(table: string, port: number): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    const listens = state === '0A' && Number.parseInt(local?.split(':').at(-1) ?? '', 16) === port
    return listens && inode !== undefined ? [inode] : []
  })
}

async function listProcesses(): Promise<readonly ProcessEntry[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  return Promise.all(pids.map(async (pid) => ({ pid, argv: await commandLine(pid) })))
}

async function commandLine(pid: number): Promise<readonly string[]> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return line.split('\0').slice(0, -1)
}

async function holdsAny(pid: number, sockets: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return links.some((link) => sockets.has(link))
}
