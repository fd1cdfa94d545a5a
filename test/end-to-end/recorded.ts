/** Whether all that happened to a scene is on the record, by the ledger's files and a key alone. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { checkpointPath } from '../../src/ledger/checkpoint.ts'
import { DiskLedgerFiles } from '../../src/ledger/disk/disk-ledger-files.ts'
import { readPublicKey } from '../../src/ledger/public-key.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import type { RecordedEntry } from '../../src/store/store.ts'
import { eventually } from './eventually.ts'
import type { Scene } from './scene.ts'

/**
 * Every intent has one outcome, every outcome its intent; after a moment, all of it is signed. `earlier` are checkpoints
 * from before: what they were signed for is still there. Answers the checkpoint that there is now.
 */
export async function expectRecorded(scene: Scene, earlier: readonly string[] = []): Promise<string> {
  let entries = await scene.entries()
  // What is made ahead for the next change goes on when a command has ended.
  await eventually('nothing is under way', async () => {
    entries = await scene.entries()
    return outcomes(entries).every(({ count }) => count > 0)
  })
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index))
  expect(outcomes(entries).filter(({ count }) => count !== 1)).toEqual([])
  // A ledger that has just begun has none for a moment; from then on, what is signed holds at any time.
  await eventually('there is a checkpoint', async () => (await checkpointOf(scene)) !== undefined)
  await eventually('all entries are signed', async () => (await verify(scene)).size >= entries.length)
  for (const checkpoint of earlier) expect(await verify(scene, checkpoint)).toMatchObject({ ok: true, problems: [] })
  return Buffer.from((await checkpointOf(scene)) ?? '').toString()
}

function checkpointOf(scene: Scene): Promise<Uint8Array | undefined> {
  return filesOf(scene).read(checkpointPath)
}

/** How many outcomes each intent has. */
function outcomes(entries: readonly RecordedEntry[]) {
  const byIntent = Map.groupBy(entries, ({ operation }) => operation)
  return entries
    .filter(({ kind }) => kind.endsWith('.intent'))
    .map(({ sequence, kind }) => ({ sequence, kind, count: byIntent.get(sequence)?.length ?? 0 }))
}

async function verify(scene: Scene, earlier?: string) {
  const files = filesOf(scene)
  const key = (await readPublicKey(files)) ?? ''
  const report = await verifyLedger(files, { key, ...(earlier !== undefined && { earlier }) })
  expect(report).toMatchObject({ ok: true, problems: [] })
  return report
}

function filesOf(scene: Scene): DiskLedgerFiles {
  return new DiskLedgerFiles(join(scene.home, 'ledger'))
}
