/** The processes of an instance, from /proc: its own, and those that have entered its namespaces. proc(5). */
import { readFileSync } from 'node:fs'
import {
  allProcesses,
  isInGroupOf,
  listProc,
  msPerTick,
  processState,
  readProc,
  readProcLink,
} from '../../system/process-files.ts'

export interface FoundProcess {
  /** In the host's numbering. */
  readonly pid: number
  /** In the instance's own; absent where it has none there. */
  readonly innerPid?: number
  readonly parent: number
  readonly uid: number
  readonly gid: number
  readonly startedAt: string
  readonly name: string
  readonly executable: string | null
  /** The first word of its command line: others may hold secrets. */
  readonly argument0: string
  readonly workingDirectory: string | null
  /** Sets of capabilities in hex, by capabilities(7). */
  readonly capabilities: Readonly<Record<string, string>>
  readonly hasNewPrivileges: boolean
  /** By kind, such as `net`: what /proc/PID/ns names. */
  readonly namespaces: Readonly<Record<string, string>>
  readonly descriptors: readonly { readonly descriptor: number; readonly target: string }[]
  /** Entered from outside: it is not in the instance's control group. */
  readonly isForeign?: true
}

const mostProcesses = 4_096
const mostDescriptors = 1_024
const mostTextBytes = 64 * 1024
/** By which a process shares more with the instance than a process of the host does. */
const tellingNamespaces = ['mnt', 'pid', 'net'] as const

/** Process ids of all that belong to the instance, its first one at the front. */
export async function processIds(containerId: string, sandboxId: string | undefined, first: number): Promise<number[]> {
  const own = new Map(tellingNamespaces.map((kind) => [kind, namespaceOf(first, kind)]))
  const found: number[] = []
  let count = 0
  for (const pid of allProcesses()) {
    if (++count % processesAtOnce === 0) await nextTurn()
    if (belongs(pid, containerId, sandboxId, own)) found.push(pid)
  }
  return [first, ...found.filter((pid) => pid !== first)].slice(0, mostProcesses)
}

function belongs(
  pid: number,
  containerId: string,
  sandboxId: string | undefined,
  own: ReadonlyMap<string, string | undefined>,
): boolean {
  const groups = readProc(pid, 'cgroup') ?? ''
  if (groups.includes(containerId)) return true
  if (sandboxId !== undefined && groups.includes(sandboxId)) return false
  return [...own].some(([kind, name]) => name !== undefined && namespaceOf(pid, kind) === name)
}

/** Undefined for one that is gone. */
export function readProcess(pid: number, containerId: string, bootMs: number): FoundProcess | undefined {
  const status = readProc(pid, 'status')
  const state = processState(pid)
  if (status === undefined || state === undefined) return undefined
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  const innerPid = Number(field('NSpid').split(/\s+/).at(-1))
  return {
    pid,
    ...(innerPid > 0 && { innerPid }),
    parent: Number(field('PPid')),
    uid: Number(field('Uid').split(/\s+/)[1]),
    gid: Number(field('Gid').split(/\s+/)[1]),
    startedAt: new Date(bootMs + state.startedAt * msPerTick).toISOString(),
    name: field('Name'),
    executable: readProcLink(pid, 'exe') ?? null,
    argument0: readCommandLine(pid)[0] ?? '',
    workingDirectory: readProcLink(pid, 'cwd') ?? null,
    capabilities: Object.fromEntries(
      ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb'].map((name) => [name, field(name)]),
    ),
    hasNewPrivileges: field('NoNewPrivs') !== '1',
    namespaces: namespacesOf(pid),
    descriptors: descriptorsOf(pid),
    ...(!isInGroupOf(pid, containerId) && { isForeign: true }),
  }
}

export function readCommandLine(pid: number): readonly string[] {
  return words(readProc(pid, 'cmdline') ?? '')
}

export function readEnvironment(pid: number): readonly string[] {
  return words(readProc(pid, 'environ') ?? '')
}

/** When the machine was started, by which the starts of processes are counted. */
export function bootedAtMs(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1000
}

function namespacesOf(pid: number): Record<string, string> {
  const names = listProc(pid, 'ns').filter((name) => !name.endsWith('_for_children'))
  return Object.fromEntries(names.map((name) => [name, namespaceOf(pid, name) ?? '']))
}

function namespaceOf(pid: number, kind: string): string | undefined {
  return readProcLink(pid, `ns/${kind}`)
}

function descriptorsOf(pid: number): FoundProcess['descriptors'] {
  const numbers = listProc(pid, 'fd').slice(0, mostDescriptors)
  return numbers.flatMap((number) => {
    const target = readProcLink(pid, `fd/${number}`)
    return target === undefined ? [] : [{ descriptor: Number(number), target }]
  })
}

/** Separated by zeros, as the kernel has command lines and environments. */
function words(text: string): readonly string[] {
  return text === '' ? [] : text.slice(0, mostTextBytes).replace(/\0$/, '').split('\0')
}

const processesAtOnce = 100

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
