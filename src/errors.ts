/**
 * The one error family of Repave, and the catalogue that it draws from.
 *
 * Expected outcomes in pure code are values; edges throw a `RepaveError`. Each code has one CLI exit code and
 * one HTTP status, here and nowhere else.
 */

interface CatalogueEntry {
  /** CLI exit code: 1 "did not succeed", 2 "bad usage or a bad file", 3 "refused by policy". */
  readonly exit: 1 | 2 | 3
  /** Status of the HTTP problem response. */
  readonly status: 400 | 404 | 409 | 422 | 500 | 502 | 503 | 507
  /** Whether the same call may succeed later with nothing changed by people. */
  readonly retryable: boolean
}

const catalogue = {
  USAGE: { exit: 2, status: 400, retryable: false },
  FILE_NOT_FOUND: { exit: 2, status: 400, retryable: false },
  FILE_UNREADABLE: { exit: 2, status: 400, retryable: false },
  FILE_UNWRITABLE: { exit: 1, status: 500, retryable: false },
  FILE_TOO_LARGE: { exit: 2, status: 400, retryable: false },
  FILE_SYNTAX: { exit: 2, status: 400, retryable: false },
  FILE_INVALID: { exit: 2, status: 422, retryable: false },
  PATH_ESCAPES: { exit: 2, status: 422, retryable: false },
  ENVIRONMENT_UNKNOWN: { exit: 2, status: 422, retryable: false },
  SERVICE_UNKNOWN: { exit: 2, status: 404, retryable: false },
  STACK_UNKNOWN: { exit: 1, status: 404, retryable: false },
  INSTANCE_UNKNOWN: { exit: 1, status: 404, retryable: false },
  VERSION_UNKNOWN: { exit: 1, status: 404, retryable: false },
  VERSION_AMBIGUOUS: { exit: 2, status: 400, retryable: false },
  VERSION_REFUSED: { exit: 3, status: 409, retryable: false },
  REFUSAL_UNKNOWN: { exit: 1, status: 404, retryable: false },
  NOTHING_TO_ROLL_BACK: { exit: 1, status: 409, retryable: false },
  IMAGE_NOT_FOUND: { exit: 1, status: 422, retryable: false },
  IMAGE_INVALID: { exit: 1, status: 422, retryable: false },
  BUILD_FAILED: { exit: 1, status: 422, retryable: false },
  PORT_IN_USE: { exit: 1, status: 409, retryable: false },
  ROUTE_TAKEN: { exit: 1, status: 409, retryable: false },
  CERTIFICATE_INVALID: { exit: 2, status: 422, retryable: false },
  NAME_TAKEN: { exit: 1, status: 409, retryable: false },
  NO_ROLLOUT: { exit: 1, status: 409, retryable: false },
  DATA_IN_USE: { exit: 1, status: 409, retryable: true },
  ROLLOUT_RUNNING: { exit: 1, status: 409, retryable: true },
  NOT_SETTLED: { exit: 1, status: 409, retryable: true },
  ROLLOUT_SUPERSEDED: { exit: 1, status: 409, retryable: false },
  ROLLOUT_ABORTED: { exit: 1, status: 409, retryable: false },
  INSTANCE_CANNOT_RUN: { exit: 1, status: 422, retryable: false },
  ENGINE_MISSING: { exit: 1, status: 503, retryable: true },
  ENGINE_UNREACHABLE: { exit: 1, status: 503, retryable: true },
  ENGINE_TOO_OLD: { exit: 1, status: 503, retryable: false },
  ENGINE_FAILED: { exit: 1, status: 502, retryable: true },
  ROUTER_MISSING: { exit: 1, status: 503, retryable: false },
  ROUTER_UNREACHABLE: { exit: 1, status: 503, retryable: true },
  ROUTER_FAILED: { exit: 1, status: 502, retryable: true },
  EVIDENCE_UNKNOWN: { exit: 1, status: 404, retryable: false },
  EVIDENCE_INVALID: { exit: 1, status: 500, retryable: false },
  DISK_FULL: { exit: 1, status: 507, retryable: true },
  STORE_FAILED: { exit: 1, status: 500, retryable: false },
  LEDGER_INVALID: { exit: 1, status: 500, retryable: false },
  LEDGER_BEHIND: { exit: 1, status: 409, retryable: false },
  RECEIPT_INVALID: { exit: 1, status: 422, retryable: false },
  WITNESS_UNREACHABLE: { exit: 1, status: 503, retryable: true },
  WITNESS_REFUSED: { exit: 1, status: 409, retryable: false },
  GATE_UNREACHABLE: { exit: 1, status: 503, retryable: true },
  GATE_FAILED: { exit: 1, status: 502, retryable: false },
  NOTIFICATION_FAILED: { exit: 1, status: 502, retryable: true },
  BACKUP_INVALID: { exit: 1, status: 422, retryable: false },
  CONTROLLER_RUNNING: { exit: 1, status: 409, retryable: false },
  CONTROLLER_UNREACHABLE: { exit: 1, status: 503, retryable: true },
  NOT_PERMITTED: { exit: 1, status: 409, retryable: false },
  INTERNAL: { exit: 1, status: 500, retryable: false },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue

/** Where in a file an input error is; lines and columns count from 1. */
export interface FilePosition {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** A part of a stack file, as keys and list indexes from its top: `['services', 'web', 'route', 0]`. */
export type StackFilePart = readonly (string | number)[]

interface ErrorDetails {
  /** What to do next, as a sentence or a command. */
  readonly hint: string
  readonly at?: FilePosition
  /** What the error is about, where it is thrown far from the file; who has the file makes `at` of it. */
  readonly about?: StackFilePart
  readonly cause?: unknown
}

/** The `--json` and HTTP form of an error. */
export interface ErrorReport {
  readonly ok: false
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly about?: StackFilePart
}

export class RepaveError extends Error {
  override readonly name = 'RepaveError'
  readonly code: ErrorCode
  readonly hint: string
  readonly at: FilePosition | undefined
  readonly about: StackFilePart | undefined

  /** `message` names the object that the error is about; `details.hint` says what to do next. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.at = details.at
    this.about = details.about
  }

  get exitCode(): number {
    return catalogue[this.code].exit
  }

  get httpStatus(): CatalogueEntry['status'] {
    return catalogue[this.code].status
  }

  get retryable(): boolean {
    return catalogue[this.code].retryable
  }

  report(): ErrorReport {
    const { code, message, hint, at, about } = this
    return { ok: false, code, message, hint, ...at, ...(about && { about }) }
  }
}

/** The given error as one of ours; a foreign one becomes `INTERNAL` and is a defect of Repave. */
export function asRepaveError(error: unknown): RepaveError {
  if (error instanceof RepaveError) return error
  if (isDiskFull(error))
    return new RepaveError('DISK_FULL', error.message, {
      hint: 'free some disk space and run the command again; `repave doctor` shows what is left',
      cause: error,
    })
  const message = error instanceof Error ? error.message : String(error)
  return new RepaveError('INTERNAL', `unexpected failure: ${message}`, {
    hint: 'this is a defect of Repave; report it with the output of `repave doctor` and the controller log',
    cause: error,
  })
}

/** Any write may meet it: no space, or the user's quota is used up (errno(3)). */
function isDiskFull(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/** A report that came over the wire, as an error again. */
export function fromReport(report: ErrorReport): RepaveError {
  const { file, line, column, about } = report
  const at =
    file === undefined
      ? undefined
      : { file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) }
  return new RepaveError(report.code in catalogue ? report.code : 'INTERNAL', report.message, {
    hint: report.hint,
    ...(at && { at }),
    ...(about && { about }),
  })
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(catalogue, code)
}
