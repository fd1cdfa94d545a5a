/** What people are told of refusals: pure. */
import type { RefusalReport } from '../model/report.ts'
import { contentName, type Refusal } from '../model/refusal.ts'

export function refusalReport(refusal: Refusal): RefusalReport {
  const { id, service, what, reason, by, atMs, isRecall, lifted } = refusal
  return {
    id,
    kind: what.kind,
    what: contentName(refusal),
    ...(service !== undefined && { service }),
    reason,
    by,
    at: new Date(atMs).toISOString(),
    ...(isRecall && { isRecall }),
    ...(lifted && { lifted: { by: lifted.by, reason: lifted.reason, at: new Date(lifted.atMs).toISOString() } }),
  }
}
