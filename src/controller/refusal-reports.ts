/** What people are told of refusals: pure. */
import type { RefusalReport } from '../model/report.ts'
import type { Refusal } from '../model/refusal.ts'
import { shortVersion, versionName } from '../model/version.ts'

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

function contentName({ what, service }: Refusal): string {
  switch (what.kind) {
    case 'version':
      return service === undefined ? shortVersion(what.version) : versionName(service, what.version)
    case 'image':
      return what.digest
    case 'label':
      return `${what.label}=${what.value}`
  }
}
