/** Makes a decision durable. */
import type { Decided, ReleaseDecision, ReleaseRecord, RolloutRecord } from '../store/store.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { Seams } from './seams.ts'

type Books = Pick<Seams, 'store' | 'clock'>

/**
 * A store that fails, say on a full disk, may have recorded the decision all the same, and the next controller would
 * take it up: what the store has then counts, and only what it has not is refused. `known`: the newest record that the
 * caller knows of.
 */
export async function recordDecision(
  { store, clock }: Books,
  decision: ReleaseDecision,
  known: ReleaseRecord | undefined,
): Promise<Decided> {
  try {
    return await store.decide(decision)
  } catch (error) {
    const record = await answered(() => store.currentRelease(decision.release), clock)
    if (!record || record.sequence === known?.sequence) throw error
    return answered(() => decidedBy(record, decision, store), clock)
  }
}

/** Makes what has become of a running rollout durable; here, too, what the store has counts. */
export async function recordChange(
  { store, clock }: Books,
  changed: RolloutRecord,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } catch (error) {
    const [recorded] = await answered(() => store.rollouts(changed, 1), clock)
    const isSo =
      recorded?.id === changed.id &&
      recorded.stage === changed.stage &&
      recorded.pausedAtMs === changed.pausedAtMs &&
      recorded.isPromoted === changed.isPromoted
    if (!isSo) throw error
  }
}

const attempts = 30
const retryMs = 500

/** Whether it is recorded must be known before anything else is done: a store that can't be read is asked again. */
export async function answered<Result>(read: () => Promise<Result>, clock: Books['clock']): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (attempt === attempts) throw error
      await clock.sleep(retryMs)
    }
  }
}

/** What `record` has brought about, as far as it still is so. */
async function decidedBy(
  record: ReleaseRecord,
  { refuses = [], atMs }: ReleaseDecision,
  store: Books['store'],
): Promise<Decided> {
  const started = (await store.runningRollouts()).filter(({ sequence }) => sequence === record.sequence)
  if (refuses.length === 0) return { record, started, refused: [] }
  const refusals = await store.refusals()
  return { record, started, refused: refusals.filter((each) => isOf(each, record) && each.atMs === atMs) }
}

function isOf(scope: Scope, { release }: ReleaseRecord): boolean {
  return scopeName(scope) === scopeName(release)
}
