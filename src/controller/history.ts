/** `events`: what was decided and done, and what happens from now on. */
import type { RecordedEntry } from '../store/store.ts'
import type { EventsRequest } from './commands.ts'
import type { Desk } from './desk.ts'

/** How often a follower looks for new lines; they are read by people. */
const lookMs = 250

export async function* followEvents(
  desk: Desk,
  request: EventsRequest,
  follow: boolean,
  signal: AbortSignal,
): AsyncIterable<RecordedEntry> {
  desk.assertKnown(request)
  const { store } = desk.seams
  // Before the first look: what is recorded meanwhile must still be told.
  let after = Math.max(request.after ?? -1, (await store.size()) - 1)
  let batch = await store.entries(request)
  for (;;) {
    yield* batch
    after = batch.at(-1)?.sequence ?? after
    if (!follow || signal.aborted) return
    await desk.seams.clock.sleep(lookMs, signal).catch(() => {})
    const { last: _last, ...rest } = request
    batch = signal.aborted ? [] : await store.entries({ ...rest, after })
  }
}
