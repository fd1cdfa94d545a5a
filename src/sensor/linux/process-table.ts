/** What /proc tells of processes, now. A process that has ended, or may not be looked at, tells nothing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { TouchedBy } from '../../model/touch.ts'

export interface ProcessState {
  readonly state: string
  readonly parent: number
  readonly isKernelThread: boolean
  /** In clock ticks since the machine started: with its number, who it is. */
  readonly startedAt: number
}

/** /proc/PID/stat; the name of the program is in brackets and may hold brackets and blanks itself. */
export function readState(text: string): ProcessState | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, , , , , flags] = fields
  if (state === undefined || parent === undefined) return undefined
  return {
    state,
    parent: Number(parent),
    isKernelThread: (Number(flags) & kernelThread) !== 0,
    startedAt: Number(fields[19]),
  }
}

const kernelThread = 0x200000

export function processState(pid: number): ProcessState | undefined {
  const text = readProc(pid, 'stat')
  return text === undefined ? undefined : readState(text)
}

/** Whether it runs code: what waits to be buried does not. */
export function isLive(state: ProcessState | undefined): state is ProcessState {
  return state !== undefined && state.state !== 'Z' && state.state !== 'X'
}

export function allProcesses(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d/.test(name) ? Number(name) : []))
}

/** All that descend from each of `first`, by what is their parent now. */
export function descendants(first: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>()
  for (const pid of allProcesses()) {
    const parent = processState(pid)?.parent
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  return new Map(first.map((pid) => [pid, below(children, pid)]))
}

function below(children: ReadonlyMap<number, readonly number[]>, pid: number): readonly number[] {
  return (children.get(pid) ?? []).flatMap((child) => [child, ...below(children, child)])
}

export function isInGroupOf(pid: number, containerId: string): boolean {
  return readProc(pid, 'cgroup')?.includes(containerId) === true
}

/**
 * Whether a process is the Docker engine's own, or of a program that it runs itself: when it comes back, it enters the
 * network namespaces of what has run on, to set its name server up anew.
 */
export function isEngineAtWork(pid: number): boolean {
  const ancestors = [pid, processState(pid)?.parent ?? 0]
  return ancestors.some((each) => each > 1 && readProcLink(each, 'exe')?.endsWith('/dockerd') === true)
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

/** Who a process is, as far as it can still be told. */
export function describeProcess(pid: number): TouchedBy {
  const uid = /^Uid:\t(\d+)/m.exec(readProc(pid, 'status') ?? '')?.[1]
  const executable = readProcLink(pid, 'exe')
  const command = readProc(pid, 'cmdline')?.slice(0, commandLength).split('\0').filter(Boolean)
  const loginUid = readProc(pid, 'loginuid')?.trim()
  return {
    pid,
    ...(uid !== undefined && { uid: Number(uid) }),
    ...(executable !== undefined && { executable }),
    ...(command?.length && { command }),
    ...(loginUid && loginUid !== noLogin && { loginUid: Number(loginUid) }),
  }
}

const commandLength = 300
/** What the kernel says of a process that descends from nobody's login. */
const noLogin = '4294967295'
