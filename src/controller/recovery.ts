/** What earlier controllers meant to do, and may have done: taken in at the start, which is the only recovery. */
import { asRepaveError } from '../errors.ts'
import { entryOf } from './records.ts'
import type { RecordedEntry } from '../store/store.ts'
import type { Recollection } from './recollection.ts'
import type { Seams } from './seams.ts'

/** An effect that was meant to be carried out may have been, wholly or in part. */
export async function recallIntents({ store }: Pick<Seams, 'store'>, recollection: Recollection): Promise<void> {
  const kinds = ['decision.replace', 'decision.repave', 'create.intent', 'destroy.intent']
  const made = new Map<string, RecordedEntry>()
  for (const entry of await store.entries({ kinds })) {
    const { kind, instance } = entry
    if (kind === 'decision.repave')
      for (const [name, intent] of made) if (isWithin(intent, entry)) recollection.condemn(name)
    if (instance === undefined) continue
    if (kind === 'create.intent') made.set(instance, entry)
    if (kind === 'decision.replace') recollection.condemn(instance)
    else recollection.noteIntent(kind === 'create.intent' ? 'create' : 'destroy', instance)
  }
}

/** Whether what is about an environment, or about one service of it, is about that one too. */
function isWithin(entry: RecordedEntry, whole: RecordedEntry): boolean {
  const isSameScope = entry.stack === whole.stack && entry.environment === whole.environment
  return isSameScope && (whole.service === undefined || whole.service === entry.service)
}

/**
 * Gives each intent that has no outcome the one that is known: nobody was left to tell. A start must not fail for it, say
 * on a full disk; the next one finds the same intents open.
 */
export async function closeIntents(seams: Pick<Seams, 'store' | 'clock' | 'info' | 'log'>): Promise<void> {
  const { store, clock, info, log } = seams
  try {
    for (const intent of await store.openIntents()) {
      const kind = intent.kind.replace(/intent$/, 'unknown')
      const message = 'its controller ended before it could tell; what there is counts'
      await store.append(entryOf(intent, { atMs: clock.now(), kind, message, operation: intent.sequence }))
    }
    await store.append(entryOf({}, { atMs: clock.now(), kind: 'controller.started', message: `pid ${info.pid}` }))
  } catch (error) {
    log(`the ledger lacks this start: ${asRepaveError(error).message}`)
  }
}
