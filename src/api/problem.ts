/** Errors as HTTP problem responses (RFC 9457's media type; the body is the error report). */
import { asRepaveError, type ErrorReport, RepaveError } from '../errors.ts'
import type { ZodError } from 'zod'

export function problemResponse(error: unknown): Response {
  const known = asRepaveError(error)
  return new Response(JSON.stringify(known.report()), {
    status: known.httpStatus,
    headers: { 'content-type': 'application/problem+json' },
  })
}

export function reportOf(error: unknown): ErrorReport {
  return asRepaveError(error).report()
}

/** What zod found first, as bad usage. */
export function invalidRequest(error: ZodError): RepaveError {
  const [issue] = error.issues
  const where = issue?.path.join('.') || 'the request'
  return new RepaveError('USAGE', `${where}: ${issue?.message ?? 'invalid'}`, {
    hint: 'the API takes the requests that its schemas describe; is the client of the same version?',
    cause: error,
  })
}
