/** What /proc tells of processes, now: proc(5). A process that has ended, or may not be looked at, tells nothing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { uptime } from 'node:os'

export interface ProcessState {
  readonly state: string
  readonly parent: number
  readonly isKernelThread: boolean
  /** In clock ticks since the machine started: with its number, who it is. */
  readonly startedAt: number
}

const kernelThread = 0x200000
/** `USER_HZ`, which is 100 on every machine that Docker runs on. */
export const msPerTick = 10

/**
 * /proc/PID/stat; the name of the program is in brackets and may hold brackets and blanks itself. A process that ends
 * while it is asked has no thread and no parent in the answer, whatever its state there: it is told as dead.
 */
export function readState(text: string): ProcessState | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, , , , , flags] = fields
  if (state === undefined || parent === undefined) return undefined
  return {
    state: fields[17] === '0' ? 'X' : state,
    parent: Number(parent),
    isKernelThread: (Number(flags) & kernelThread) !== 0,
    startedAt: Number(fields[19]),
  }
}

export function processState(pid: number): ProcessState | undefined {
  const text = readProc(pid, 'stat')
  return text === undefined ? undefined : readState(text)
}

/** How long a process has been there, by its `startedAt`. */
export function ageMs(startedAt: number): number {
  return uptime() * 1_000 - startedAt * msPerTick
}

/** Whether it runs code: what waits to be buried does not. */
export function isLive(state: ProcessState | undefined): state is ProcessState {
  return state !== undefined && state.state !== 'Z' && state.state !== 'X'
}

export function allProcesses(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d/.test(name) ? Number(name) : []))
}

export function isInGroupOf(pid: number, containerId: string): boolean {
  return readProc(pid, 'cgroup')?.includes(containerId) === true
}

export function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

export function readProcLink(pid: number, link: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${link}`)
  } catch {
    return undefined
  }
}

/** Empty for a process that is gone. */
export function listProc(pid: number, folder: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/${folder}`)
  } catch {
    return []
  }
}
