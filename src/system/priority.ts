/** Which of a machine's processes go first while it has too little CPU. */
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Has a process that was just started with a session of its own (`detached`), and whatever that starts, go before
 * others: `nice` from -20, first of all, to 0. On Linux, sessions share the CPU before their processes do (sched(7),
 * "The autogroup feature"), so that both are told; systemd turns that feature off by its groups. Who may not do this, or
 * has a kernel without it, is left as it is: it only matters under too much load.
 */
export function prefer(pid: number | undefined, nice: number): void {
  if (pid === undefined) return
  attempt(() => setPriority(pid, nice))
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, `${nice}`))
}

function attempt(step: () => void): void {
  try {
    step()
  } catch {
    // Not root, not Linux, or it has ended already.
  }
}
