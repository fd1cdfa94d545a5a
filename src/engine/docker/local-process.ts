/**
 * What /proc tells about a container's process, where the engine runs on this machine.
 *
 * A process is believed to be the container's only if its control group names the container: the engine may be
 * elsewhere, behind a forwarded socket, and its process ids mean nothing here.
 */
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'

/**
 * Whether the process would notice the signal. The kernel discards a signal for the first process of a namespace
 * that has no handler for it, so that waiting for its effect would be waiting for nothing. True where unknown.
 */
export async function heedsSignal(containerId: string, pid: number, signalName: string): Promise<boolean> {
  const status = await readProcess(containerId, pid, 'status')
  const signal = signalNumber(signalName)
  if (status === undefined || signal === undefined) return true
  return [/^SigCgt:\t([0-9a-f]+)$/m, /^SigBlk:\t([0-9a-f]+)$/m].some((mask) => isInMask(status, mask, signal))
}

/** Whether no TCP socket, open or lingering, is left in the network namespace of the process. False where unknown. */
export async function hasNoSockets(containerId: string, pid: number): Promise<boolean> {
  const tables = await Promise.all(['net/tcp', 'net/tcp6'].map((table) => readProcess(containerId, pid, table)))
  return tables.every((table) => table !== undefined && countSockets(table) === 0)
}

/** The sockets in a table of /proc/net, without the listener of the engine's own name server at 127.0.0.11. */
export function countSockets(table: string): number {
  const [, ...sockets] = table.trimEnd().split('\n')
  return sockets.filter((line) => !nameServer.test(line)).length
}

/** The address as the machine stores it, most often lowest byte first; a free port; the state LISTEN. */
const nameServer = /^\s*\d+: (?:0B00007F|7F00000B):[0-9A-F]{4} 00000000:0000 0A /

async function readProcess(containerId: string, pid: number, file: string): Promise<string | undefined> {
  try {
    return (await isProcessOf(containerId, pid)) ? await readFile(`/proc/${pid}/${file}`, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** Whether that is a process of this machine, and of that container. */
export async function isProcessOf(containerId: string, pid: number): Promise<boolean> {
  try {
    return pid > 0 && (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(containerId)
  } catch {
    return false
  }
}

/** `SIGTERM`, `TERM` or `15`, as image authors write it. */
export function signalNumber(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name)
  const upper = name.toUpperCase()
  return new Map<string, number>(Object.entries(constants.signals)).get(upper.startsWith('SIG') ? upper : `SIG${upper}`)
}

/** The masks are 64 bits in hex; bit 0 is signal 1. */
function isInMask(status: string, line: RegExp, signal: number): boolean {
  const mask = BigInt(`0x${line.exec(status)?.[1] ?? '0'}`)
  return ((mask >> BigInt(signal - 1)) & 1n) === 1n
}

/** Kills a process of the container's, where it is one of this machine. */
export async function killProcess(containerId: string, pid: number): Promise<void> {
  if (pid <= 0 || (await readProcess(containerId, pid, 'status')) === undefined) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
