/** `versions`: every version that ever ran, and which of them must not run again. */
import { own } from '../model/own.ts'
import type { VersionsReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import { versionName } from '../model/version.ts'
import type { VersionRecord } from '../store/store.ts'
import type { Desk } from './desk.ts'
import { refusalReport } from './refusal-reports.ts'

type VersionReport = VersionsReport['versions'][number]

export async function versions(desk: Desk, scope: Scope, service?: string): Promise<readonly VersionsReport[]> {
  const records = await desk.seams.store.versions(scope, service)
  if (service !== undefined && records.length === 0) throw desk.unknownService(scope, service)
  return [...Map.groupBy(records, (record) => record.service)].map(([name, each]) => ({
    service: name,
    versions: each.map((record) => versionReport(desk, record)),
  }))
}

function versionReport(desk: Desk, record: VersionRecord): VersionReport {
  const { service, version, spec, imageName, firstRunAtMs, lastRunAtMs, state } = record
  const { decisions } = desk.loop
  const refusal = decisions.refusals.of(record, record)
  const isCurrent = own(decisions.of(record)?.release.services, service)?.version === version
  return {
    version: versionName(service, version),
    image: imageName,
    digest: spec.image,
    firstRunAt: new Date(firstRunAtMs).toISOString(),
    lastRunAt: new Date(lastRunAtMs).toISOString(),
    state: isCurrent ? 'current' : refusal ? 'refused' : state,
    ...(refusal && { refusal: refusalReport(refusal) }),
  }
}
