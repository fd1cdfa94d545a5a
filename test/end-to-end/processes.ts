/** Processes that belong to one state folder, found in /proc. */
import { readdirSync, readFileSync } from 'node:fs'

export interface FoundProcess {
  readonly pid: number
  readonly parent: number
  /** The program's name, at most 15 characters (proc(5), comm). */
  readonly name: string
  readonly commandLine: readonly string[]
}

/** Every process that was started with `REPAVE_HOME=home`, or has `home` in its arguments. */
export function processesOf(home: string): readonly FoundProcess[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && belongsTo(pid, home))
    .map((pid) => ({
      pid,
      parent: Number(/^PPid:\s+(\d+)$/m.exec(read(pid, 'status'))?.[1]),
      name: read(pid, 'comm').trim(),
      commandLine: read(pid, 'cmdline').split('\0'),
    }))
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function belongsTo(pid: number, home: string): boolean {
  return read(pid, 'environ').split('\0').includes(`REPAVE_HOME=${home}`) || read(pid, 'cmdline').includes(`${home}/`)
}

/** Empty for a process that has ended meanwhile, and for a zombie. */
function read(pid: number, file: 'comm' | 'cmdline' | 'environ' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
