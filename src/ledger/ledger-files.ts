/**
 * The contract of where a ledger's files live. There is one writer at a time; anyone may read.
 *
 * Paths are relative, with `/` between names that don't begin with a dot; others are refused with PATH_ESCAPES.
 */
import { RepaveError } from '../errors.ts'

export interface LedgerFile {
  readonly path: string
  readonly bytes: Uint8Array
}

export interface LedgerFiles {
  /** The whole file; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /**
   * Each file is replaced as a whole, and all are durable when it resolves. After a crash, any of them may be the
   * new one, and the others are as they were: what has to come later takes a call of its own.
   */
  write(files: readonly LedgerFile[]): Promise<void>
  /** Removes what is there of these, and folders that this leaves empty; a crash may bring them back. */
  remove(paths: readonly string[]): Promise<void>
  /** The paths of all files below a folder, sorted. */
  list(folder: string): Promise<readonly string[]>
}

/** More than the largest bundle of entries takes. */
export const maxFileBytes = 20 * 1024 * 1024

export function assertLedgerPath(path: string): void {
  if (path.split('/').every((name) => /^[^.\0][^\0]*$/.test(name))) return
  throw new RepaveError('PATH_ESCAPES', `${JSON.stringify(path)} can't be the path of a ledger's file`, {
    hint: 'this is a defect of Repave; report it with the output of `repave doctor`',
  })
}
