/** Errors about a part of the stack file, which the controller has never seen, with the place of that part in it. */
import { type FilePosition, RepaveError, type StackFilePart } from '../errors.ts'
import type { ResultReport } from '../model/report.ts'

/** Where the stack file has a part of the stack. */
export type PositionOf = (part: StackFilePart) => FilePosition

export function placeError(error: RepaveError, positionOf: PositionOf): RepaveError {
  const { code, message, hint, about, at } = error
  if (!about || at) return error
  return new RepaveError(code, message, { hint, at: positionOf(about), cause: error })
}

export function placeResult(result: ResultReport, positionOf: PositionOf): ResultReport {
  const { about, ...placed } = result
  return about ? { ...placed, ...positionOf(about) } : result
}
