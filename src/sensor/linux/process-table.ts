/** Who the processes of this machine are. */
import type { TouchedBy } from '../../model/touch.ts'
import { allProcesses, isLive, processState, readProc, readProcLink } from '../../system/process-files.ts'

const attemptsMost = 8

/** All that descend from each of `first`, by what is their parent now. */
export function descendants(first: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const children = Map.groupBy(parents(), ([, parent]) => parent)
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap(([child]) => [child, ...below(child)])
  return new Map(first.map((pid) => [pid, below(pid)]))
}

/** Of every process. One whose parent ends while this goes on is asked again: it has another one then. */
function parents(): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  let asked: readonly number[] = allProcesses()
  for (let attempt = 0; attempt < attemptsMost && asked.length > 0; attempt += 1) {
    for (const pid of asked) {
      const state = processState(pid)
      if (state === undefined || state.state === 'X') found.delete(pid)
      else found.set(pid, state.parent)
    }
    asked = [...found].flatMap(([pid, parent]) => (parent > 0 && !found.has(parent) ? pid : []))
  }
  return found
}

/** Whether a process descends from another one, by what is whose parent now; undefined where it has ended. */
export function descends(pid: number, ancestor: number): boolean | undefined {
  for (let attempt = 0; attempt < attemptsMost && isLive(processState(pid)); attempt += 1) {
    const eldest = climb(pid, ancestor)
    if (eldest !== undefined) return eldest === ancestor
  }
  return undefined
}

/** Up to `ancestor`, or to the first process of all; undefined where one on the way has ended, and left its children to another. */
function climb(pid: number, ancestor: number): number | undefined {
  let at = pid
  while (at > 1 && at !== ancestor) {
    const state = processState(at)
    if (!isLive(state)) return undefined
    at = state.parent
  }
  return at
}

/**
 * Whether a process is the Docker engine's own, or of a program that it runs itself: when it comes back, it enters the
 * network namespaces of what has run on, to set its name server up anew.
 */
export function isEngineAtWork(pid: number): boolean {
  const ancestors = [pid, processState(pid)?.parent ?? 0]
  return ancestors.some((each) => each > 1 && readProcLink(each, 'exe')?.endsWith('/dockerd') === true)
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
