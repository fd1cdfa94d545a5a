/** Rows to records. The database is our own; a value that does not parse is a defect and throws. */
import { z } from 'zod'
import type { Entry } from '../../model/entry.ts'
import type { Refusal } from '../../model/refusal.ts'
import type { Release } from '../../model/release.ts'
import type { VersionSpec } from '../../model/version.ts'
import type { RecordedEntry, ReleaseRecord, RolloutRecord, VersionRecord } from '../store.ts'

const fleet = { stack: z.string(), environment: z.string(), service: z.string() }

const releaseRow = z.object({
  sequence: z.number(),
  release: z.string(),
  decision: z.enum(['up', 'rollback', 'recall', 'abort', 'down']),
  reason: z.string(),
  by: z.string(),
  at_ms: z.number(),
})

export function toRelease(row: unknown): ReleaseRecord {
  const { at_ms, release, ...rest } = releaseRow.parse(row)
  const parsed: Release = JSON.parse(release)
  return { ...rest, release: parsed, atMs: at_ms }
}

const rolloutRow = z.object({
  id: z.number(),
  ...fleet,
  sequence: z.number(),
  from_version: z.string().nullable(),
  to_version: z.string(),
  started_at_ms: z.number(),
  state: z.enum(['running', 'succeeded', 'aborted', 'superseded']),
  reason: z.string().nullable(),
  logs: z.string().nullable(),
  ended_at_ms: z.number().nullable(),
  stage: z.number().nullable(),
  paused_at_ms: z.number().nullable(),
  is_promoted: z.number().nullable(),
  is_switch: z.number().nullable(),
  warm_until_ms: z.number().nullable(),
})

export function toRollout(row: unknown): RolloutRecord {
  const { id, stack, environment, service, sequence, state, ...parsed } = rolloutRow.parse(row)
  return {
    id,
    stack,
    environment,
    service,
    sequence,
    state,
    from: parsed.from_version,
    to: parsed.to_version,
    startedAtMs: parsed.started_at_ms,
    ...given({ reason: parsed.reason, stage: parsed.stage }),
    ...(parsed.logs !== null && { logs: z.array(z.string()).parse(JSON.parse(parsed.logs)) }),
    ...given({ endedAtMs: parsed.ended_at_ms, pausedAtMs: parsed.paused_at_ms, warmUntilMs: parsed.warm_until_ms }),
    ...(parsed.is_promoted !== null && { isPromoted: true }),
    ...(parsed.is_switch !== null && { isSwitch: true }),
  }
}

const versionRow = z.object({
  ...fleet,
  version: z.string(),
  spec: z.string(),
  image_name: z.string(),
  first_run_at_ms: z.number(),
  last_run_at_ms: z.number(),
  state: z.enum(['unproven', 'proven', 'failed']),
  labels: z.string().nullable(),
  rehearsal: z.string().nullable(),
})

const labelsColumn = z.record(z.string(), z.string())
const rehearsalColumn = z.object({ atMs: z.number(), passed: z.boolean(), message: z.string() })

export function toVersion(row: unknown): VersionRecord {
  const { spec, image_name, first_run_at_ms, last_run_at_ms, labels, rehearsal, ...rest } = versionRow.parse(row)
  const parsed: VersionSpec = JSON.parse(spec)
  return {
    ...rest,
    spec: parsed,
    imageName: image_name,
    firstRunAtMs: first_run_at_ms,
    lastRunAtMs: last_run_at_ms,
    ...(labels !== null && { labels: labelsColumn.parse(JSON.parse(labels)) }),
    ...(rehearsal !== null && { rehearsal: rehearsalColumn.parse(JSON.parse(rehearsal)) }),
  }
}

const refusalRow = z.object({
  id: z.number(),
  stack: z.string(),
  environment: z.string(),
  service: z.string().nullable(),
  what: z.string(),
  reason: z.string(),
  by: z.string(),
  at_ms: z.number(),
  is_recall: z.number().nullable(),
  lifted: z.string().nullable(),
})

const liftedColumn = z.object({ by: z.string(), reason: z.string(), atMs: z.number() })

export function toRefusal(row: unknown): Refusal {
  const { what, at_ms, service, is_recall, lifted, ...rest } = refusalRow.parse(row)
  const parsed: Refusal['what'] = JSON.parse(what)
  return {
    ...rest,
    what: parsed,
    atMs: at_ms,
    ...(service !== null && { service }),
    ...(is_recall !== null && { isRecall: true }),
    ...(lifted !== null && { lifted: liftedColumn.parse(JSON.parse(lifted)) }),
  }
}

const subject = {
  service: z.string().nullable(),
  instance: z.string().nullable(),
  version: z.string().nullable(),
}

const entryRow = z.object({
  sequence: z.number(),
  at_ms: z.number(),
  kind: z.string(),
  by: z.string(),
  message: z.string(),
  stack: z.string().nullable(),
  environment: z.string().nullable(),
  ...subject,
  operation: z.number().nullable(),
  lines: z.string().nullable(),
  release: z.string().nullable(),
  before: z.number().nullable(),
  previous: z.string().nullable(),
})

export function toEntry(row: unknown): RecordedEntry {
  const { sequence, at_ms, kind, by, message, lines, ...optional } = entryRow.parse(row)
  const parsed = lines === null ? {} : { lines: z.array(z.string()).parse(JSON.parse(lines)) }
  return { sequence, atMs: at_ms, kind, by, message, ...given(optional), ...parsed }
}

const firstFormRow = z.object({
  at_ms: z.number(),
  stack: z.string(),
  environment: z.string(),
  ...subject,
  kind: z.string(),
  message: z.string(),
})

/** An event of the first form of the store: it did not say who, and held what instances had printed in its message. */
export function toEntryOfFirstForm(row: unknown): Entry {
  const { at_ms, kind, message, ...optional } = firstFormRow.parse(row)
  const [words = '', ...lines] = message.split('\n')
  return { atMs: at_ms, kind, by: 'unknown', message: words, ...given(optional), ...(lines.length > 0 && { lines }) }
}

type Given<Row> = { readonly [Column in keyof Row]?: NonNullable<Row[Column]> }

/** Without what is null. */
function given<Row extends object>(row: Row): Given<Row> {
  const columns = Object.entries(row).filter(([, value]) => value !== null)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(columns) as Given<Row>
}

const leafRow = z.object({ leaf: z.instanceof(Uint8Array) })

export function toLeaf(row: unknown): Uint8Array {
  return leafRow.parse(row).leaf
}

const sizeRow = z.object({ size: z.number() })

export function toSize(row: unknown): number {
  return sizeRow.parse(row).size
}
