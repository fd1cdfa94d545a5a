/** What went wrong with a file that is written, as one of our errors. Codes: errno(3). */
import { RepaveError } from '../errors.ts'
import { errorCode } from './error-code.ts'

/** DISK_FULL or NOT_PERMITTED; anything else stays as it is. */
export function fileFailure(path: string, cause: unknown): unknown {
  const code = errorCode(cause) ?? ''
  if (['ENOSPC', 'EDQUOT'].includes(code))
    return new RepaveError('DISK_FULL', `no space left to write ${path}`, { hint: 'free some space there', cause })
  if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) return cause
  return new RepaveError('NOT_PERMITTED', `${path} can't be written`, {
    hint: 'run as its owner, or set REPAVE_HOME to a folder of yours',
    cause,
  })
}
