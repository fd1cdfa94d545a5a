/** What went wrong in SQLite, as one of our errors. Codes: sqlite.org/rescode.html. */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { RepaveError } from '../errors.ts'

const sqliteIoError = 10
const sqliteFull = 13
const sqliteCantOpen = 14
const leastFreeBytes = 256 * 1024

/** DISK_FULL or STORE_FAILED. */
export function sqliteFailure(error: unknown, file: string): RepaveError {
  if (error instanceof RepaveError) return error
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
  // A write that finds no room has its own code; what SQLite maps or makes beside the file only fails somehow.
  if (code === sqliteFull || ((code === sqliteIoError || code === sqliteCantOpen) && isFull(dirname(file))))
    return new RepaveError('DISK_FULL', `no room to write ${file}`, {
      hint: 'free some disk space and run the command again; nothing was lost',
      cause: error,
    })
  const words = error instanceof Error ? error.message : String(error)
  return new RepaveError('STORE_FAILED', `${file} can't be used: ${words}`, {
    hint: 'check its permissions and the free space with `repave doctor`; a file that is damaged has to come from a backup',
    cause: error,
  })
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder)
    return bavail * bsize < leastFreeBytes || (files > 0 && ffree === 0)
  } catch {
    return false
  }
}
