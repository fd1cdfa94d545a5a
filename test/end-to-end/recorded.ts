/** Whether all that happened to a scene is on the record, by the ledger's files and a key alone. */
import { expect } from 'vitest'
import { createClient } from '../../src/api/client.ts'
import { socketPath } from '../../src/api/home.ts'
import type { LedgerReport } from '../../src/ledger/report.ts'
import type { RecordedEntry } from '../../src/store/store.ts'
import { eventually } from './eventually.ts'
import type { Scene } from './scene.ts'

/**
 * Every intent has one outcome, every outcome its intent; what was signed once is still there; and after a moment, all
 * of it is signed.
 */
export async function expectRecorded(scene: Scene): Promise<void> {
  const entries = await recorded(scene)
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index))
  const intents = entries.filter(({ kind }) => kind.endsWith('.intent'))
  const outcomes = Map.groupBy(entries, ({ operation }) => operation)
  const settled = intents.map(({ sequence, kind }) => [sequence, kind, outcomes.get(sequence)?.length ?? 0])
  expect(settled.filter(([, , count]) => count !== 1)).toEqual([])
  let report: LedgerReport | undefined
  await eventually('all entries are signed', async () => {
    report = (await scene.repave('ledger', 'verify')).lines.at(-1) as LedgerReport
    return report.size >= entries.length
  })
  expect(report).toMatchObject({ ok: true, problems: [] })
}

/** Also what is about no environment. */
function recorded(scene: Scene): Promise<readonly RecordedEntry[]> {
  const client = createClient(socketPath(scene.home))
  return Array.fromAsync(client.events({}, false, new AbortController().signal))
}
