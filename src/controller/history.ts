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
  let after = request.after ?? 0
  let batch = await desk.seams.store.entries(request)
  for (;;) {
    yield* batch
    after = batch.at(-1)?.sequence ?? after
    if (!follow || signal.aborted) return
    await desk.seams.clock.sleep(lookMs, signal).catch(() => {})
    const { last: _last, ...rest } = request
    batch = signal.aborted ? [] : await desk.seams.store.entries({ ...rest, after })
  }
}
