/** Exit codes: the one place where outcomes become numbers. Those of errors are in the catalogue. */
import { fromReport, isErrorCode, type RepaveError } from '../errors.ts'
import type { ResultReport } from '../model/report.ts'

export const exitDone = 0
/** Nobody can be told how it went. */
export const exitOutputLost = 1
/** `--exit-code` was asked for, and there are differences. */
export const exitDifferences = 4
/** 128 + SIGINT, as shells count. */
export const exitInterrupted = 130
/** 128 + SIGPIPE. */
export const exitAfterBrokenPipe = 141

export function exitOfError(error: RepaveError): number {
  return error.exitCode
}

export function exitOfResult({ ok, code, message = '', hint = '' }: ResultReport): number {
  if (ok) return exitDone
  return exitOfError(fromReport({ ok: false, code: isErrorCode(code) ? code : 'INTERNAL', message, hint }))
}

export function exitOfDifferences(count: number, isAsked: boolean): number {
  return isAsked && count > 0 ? exitDifferences : exitDone
}
