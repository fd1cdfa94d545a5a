/** Makes a decision durable. */
import type { ReleaseDecision, ReleaseRecord, RolloutRecord, Store } from '../store/store.ts'
import { scopeName } from '../model/stack.ts'

interface Recorded {
  readonly record: ReleaseRecord
  readonly started: readonly RolloutRecord[]
}

/**
 * A store that fails, say on a full disk, may have recorded the decision all the same, and the next controller would
 * take it up: what the store has then counts, and only what it has not is refused. `known`: the newest record that the
 * caller knows of.
 */
export async function recordDecision(
  store: Store,
  decision: ReleaseDecision,
  known: ReleaseRecord | undefined,
): Promise<Recorded> {
  try {
    return await store.decide(decision)
  } catch (error) {
    const record = await store.currentRelease(decision.release)
    if (!record || record.sequence === known?.sequence) throw error
    return { record, started: await startedBy(record, decision, store) }
  }
}

async function startedBy(
  { release }: ReleaseRecord,
  { starts }: ReleaseDecision,
  store: Store,
): Promise<readonly RolloutRecord[]> {
  const services = new Set(starts.map(({ service }) => service))
  const running = await store.runningRollouts()
  return running.filter((rollout) => scopeName(rollout) === scopeName(release) && services.has(rollout.service))
}
