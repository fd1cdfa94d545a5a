/** Whether a program may be run in an instance. */

export interface Execution {
  readonly isOwnProcess: boolean
  /** Where the program lies: on the image's file system, or on one that the instance or others may write. */
  readonly place: 'root' | 'memory' | 'upper' | 'data'
  /** Whether it is one of the programs that may run, or there is no such list. */
  readonly isListed: boolean
  /**
   * Whether the process is on its way to run a program that may run: the interpreter that a script names and the loader
   * that a program names are opened after it, before the process is told to have run anything.
   */
  readonly isUnderWay: boolean
}

/** Why it may not; undefined where it may. */
export function refuseExecution({ isOwnProcess, place, isListed, isUnderWay }: Execution): string | undefined {
  if (!isOwnProcess) return 'a process that is not its own'
  if (place !== 'root') return 'its own process, and is no program of its image'
  if (!isListed && !isUnderWay) return 'its own process, and is none of the programs that may run'
  return undefined
}
