/** Makes a decision durable. */
import type { ReleaseDecision, ReleaseRecord, RolloutRecord, Store } from '../store/store.ts'
import { scopeName } from '../model/stack.ts'
import type { Seams } from './seams.ts'

type Books = Pick<Seams, 'store' | 'clock'>

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
  { store, clock }: Books,
  decision: ReleaseDecision,
  known: ReleaseRecord | undefined,
): Promise<Recorded> {
  try {
    return await store.decide(decision)
  } catch (error) {
    const record = await answered(() => store.currentRelease(decision.release), clock)
    if (!record || record.sequence === known?.sequence) throw error
    return { record, started: await answered(() => startedBy(record, decision, store), clock) }
  }
}

const attempts = 30
const retryMs = 500

/** Whether it is recorded must be known before anything else is done: a store that can't be read is asked again. */
async function answered<Result>(read: () => Promise<Result>, clock: Books['clock']): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (attempt === attempts) throw error
      await clock.sleep(retryMs)
    }
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
