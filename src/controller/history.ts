/** `events`: what was decided and done, and what happens from now on. */
import type { EventFilter, HistoryEvent } from '../store/store.ts'
import type { Desk } from './desk.ts'

/** How often a follower looks for new lines; they are read by people. */
const lookMs = 250

export async function* followEvents(
  desk: Desk,
  filter: EventFilter,
  follow: boolean,
  signal: AbortSignal,
): AsyncIterable<HistoryEvent> {
  let after = filter.after ?? 0
  let batch = await desk.seams.store.events(filter)
  for (;;) {
    yield* batch
    after = batch.at(-1)?.sequence ?? after
    if (!follow || signal.aborted) return
    await desk.seams.clock.sleep(lookMs, signal).catch(() => {})
    const { last: _last, ...rest } = filter
    batch = signal.aborted ? [] : await desk.seams.store.events({ ...rest, after })
  }
}
