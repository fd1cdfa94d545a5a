/** What is kept of touched instances. */
import type { Evidence } from '../model/evidence.ts'
import type { EvidenceReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import type { Seams } from './seams.ts'

/** Newest first; of all environments, or of those that match. */
export async function listEvidence({ locker }: Seams, filter: Partial<Scope>): Promise<readonly EvidenceReport[]> {
  return (await locker.list()).filter((evidence) => matches(evidence, filter)).map(evidenceReport)
}

function matches(evidence: Evidence, { stack, environment }: Partial<Scope>): boolean {
  return (stack ?? evidence.stack) === evidence.stack && (environment ?? evidence.environment) === evidence.environment
}

function evidenceReport({ version, atMs, ...evidence }: Evidence): EvidenceReport {
  const { digest, stack, environment, service, instance, bytes, touches, missing } = evidence
  return {
    digest,
    stack,
    environment,
    service,
    instance,
    version: versionName(service, version),
    at: new Date(atMs).toISOString(),
    bytes,
    touches,
    missing,
  }
}
