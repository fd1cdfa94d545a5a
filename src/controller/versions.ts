/** `versions`: every version that ever ran, and which of them must not run again. */
import { own } from '../model/own.ts'
import type { VersionsReport } from '../model/report.ts'
import type { Scope } from '../model/stack.ts'
import { type ImageDigest, versionName } from '../model/version.ts'
import type { Rehearsal, VersionRecord } from '../store/store.ts'
import type { Desk } from './desk.ts'
import { refusalReport } from './refusal-reports.ts'

type VersionReport = VersionsReport['versions'][number]

export async function versions(desk: Desk, scope: Scope, service?: string): Promise<readonly VersionsReport[]> {
  const records = await desk.seams.store.versions(scope, service)
  if (service !== undefined && records.length === 0) throw desk.unknownService(scope, service)
  const images = await presentImages(desk, records)
  return [...Map.groupBy(records, (record) => record.service)].map(([name, each]) => ({
    service: name,
    versions: each.map((record) => versionReport(desk, record, images)),
  }))
}

/** Which of their images the engine has; undefined where it can't be asked. */
function presentImages(
  { seams }: Desk,
  records: readonly VersionRecord[],
): Promise<ReadonlySet<ImageDigest> | undefined> {
  return seams.engine.present([...new Set(records.map(({ spec }) => spec.image))]).catch(() => undefined)
}

function versionReport(desk: Desk, record: VersionRecord, images: ReadonlySet<ImageDigest> | undefined): VersionReport {
  const { service, version, spec, imageName, firstRunAtMs, lastRunAtMs, state, rehearsal } = record
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
    ...(!isCurrent && images && { wayBack: wayBack(desk, record, images) }),
    ...(rehearsal && { rehearsal: rehearsalReport(rehearsal) }),
    ...(refusal && { refusal: refusalReport(refusal) }),
  }
}

function wayBack(
  { loop }: Desk,
  record: VersionRecord,
  images: ReadonlySet<ImageDigest>,
): NonNullable<VersionReport['wayBack']> {
  if (loop.remembered.warm(record) === record.version) return 'warm'
  return images.has(record.spec.image) ? 'cold' : 'gone'
}

function rehearsalReport({ atMs, passed, message }: Rehearsal): NonNullable<VersionReport['rehearsal']> {
  return { at: new Date(atMs).toISOString(), passed, message }
}
