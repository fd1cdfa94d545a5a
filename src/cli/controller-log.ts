/** The log of a controller in the background: one file of bounded size, and the one before it. */
import { copyFileSync, fstatSync, ftruncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const maxLogBytes = 4 * 1024 * 1024
const stdout = 1

export function controllerLog(home: string): string {
  return join(home, 'controller.log')
}

/** Prints a line with its time to standard output, which may be a file that must stay small. */
export function logLine(line: string, home: string, isFile: boolean): void {
  try {
    if (isFile && fstatSync(stdout).size > maxLogBytes) rotate(controllerLog(home))
    writeSync(stdout, `${new Date().toISOString()}  ${line}\n`)
  } catch {
    // A full disk or a closed terminal must not end the controller.
  }
}

/** The file is emptied in place: the descriptor is open for appending, and crash reports go to it too. */
function rotate(log: string): void {
  copyFileSync(log, `${log}.1`)
  ftruncateSync(stdout)
}
