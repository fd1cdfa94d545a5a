/** What the controller puts on record: entries of the ledger, the intents and outcomes of effects, versions that ran. */
import { asRepaveError } from '../errors.ts'
import type { Engine, ImageRequest } from '../engine/engine.ts'
import type { Entry } from '../model/entry.ts'
import type { ServiceRelease } from '../model/release.ts'
import type { FleetKey, Scope } from '../model/stack.ts'
import type { RecordedEntry, VersionRecord } from '../store/store.ts'
import type { Seams } from './seams.ts'

type Books = Pick<Seams, 'store' | 'clock'>

/** Who the controller is where nobody asked for what it does. */
export const itself = 'repave'

/** What an entry is about. */
export type Subject = Pick<Entry, 'stack' | 'environment' | 'service' | 'instance' | 'version'>

export function entryOf(subject: Subject, what: Pick<Entry, 'atMs' | 'kind' | 'message'> & Partial<Entry>): Entry {
  const { stack, environment, service, instance, version } = subject
  return {
    by: itself,
    ...(stack !== undefined && { stack }),
    ...(environment !== undefined && { environment }),
    ...(service !== undefined && { service }),
    ...(instance !== undefined && { instance }),
    ...(version !== undefined && { version }),
    ...what,
  }
}

interface RecordedWork<Result> {
  readonly kind: string
  readonly reason: string
  readonly onIntent?: () => void
  /** What came of it, in words; absent: the reason again. */
  readonly wordsOf?: (result: Result) => string
}

/**
 * Does `work` with its intent on record before it and its outcome after it. `onIntent` is called once the intent is on
 * record, and before anything is done: where it throws, nothing is. Throws what either throws after that is recorded too.
 */
export async function recorded<Result>(
  { store, clock }: Books,
  subject: Subject,
  { kind, reason, onIntent, wordsOf = () => reason }: RecordedWork<Result>,
  work: () => Promise<Result>,
): Promise<Result> {
  const record = (outcome: string, message: string, intent?: RecordedEntry) => {
    const operation = intent && { operation: intent.sequence }
    return store.append(entryOf(subject, { atMs: clock.now(), kind: `${kind}.${outcome}`, message, ...operation }))
  }
  const intent = await record('intent', reason)
  const begun = async () => {
    onIntent?.()
    return work()
  }
  const result = await begun().catch(async (error: unknown) => {
    await record('failed', asRepaveError(error).message, intent)
    throw error
  })
  await record('done', wordsOf(result), intent)
  return result
}

/** The engine as commands prepare images with: what is made or resolved for them is on record. */
export function recordingImages(seams: Books & Pick<Seams, 'engine'>, scope: Scope): Pick<Engine, 'prepare'> {
  return {
    prepare: (request, progress) => {
      const prepare = () => seams.engine.prepare(request, progress)
      const reason = newContent(request)
      return reason === undefined ? prepare() : recorded(seams, scope, { kind: 'prepare', reason }, prepare)
    },
  }
}

/** In words, where the request may bring about content that no lock or release knows. */
function newContent(request: ImageRequest): string | undefined {
  if (request.kind === 'build') return `build ${request.dockerfile} as ${request.tag}`
  return request.kind === 'reference' && request.digest === undefined ? `resolve ${request.reference}` : undefined
}

/** Notes how a version has done. */
export async function saveVersion(
  books: Books,
  key: FleetKey,
  service: ServiceRelease,
  state: VersionRecord['state'],
): Promise<void> {
  await books.store.saveVersion(await versionRecord(books, key, service, state))
}

/** A version that was proven once stays it, whatever a later rollout says; one that failed has to be proven anew. */
export async function versionRecord(
  { store, clock }: Books,
  { stack, environment, service }: FleetKey,
  { version, spec, imageName, labels }: ServiceRelease,
  state: VersionRecord['state'],
): Promise<VersionRecord> {
  const scope = { stack, environment }
  const known = (await store.versions(scope, service)).find((each) => each.version === version)
  const lasts = known?.state === 'proven' || (known?.state === 'failed' && state === 'unproven')
  const times = { firstRunAtMs: known?.firstRunAtMs ?? clock.now(), lastRunAtMs: clock.now() }
  const content = { version, spec, imageName, ...(labels && { labels }) }
  return { ...scope, service, ...content, ...times, state: lasts ? known.state : state }
}
