/**
 * `node bench/recording.ts`: what it costs to keep the ledger. Durable entries a second; a store with a million entries
 * beside an empty one; and the replacement of ten instances with and without a ledger, turn by turn in one run.
 */
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { leafOf } from '../src/model/entry.ts'
import { temporaryFolder } from '../src/system/temporary-folder.ts'
import { Scene } from '../test/end-to-end/scene.ts'
import { timeMs } from './stopwatch.ts'

const appended = 3_000
const million = 1_000_000
const instances = 10
const rounds = 5
const goals = { perSecond: 1_000, overhead: 1.05 }

const scope = { stack: 'shop', environment: 'production' }
const key = { ...scope, service: 'web' }
const entry = { atMs: 1, ...key, kind: 'create.done', by: 'repave', message: '3 are wanted' }
const unrecorded = resolve(import.meta.dirname, 'unrecorded-controller.ts')

await using folder = await temporaryFolder()
await measureAppending(join(folder.path, 'small.sqlite'))
await measureMillion(join(folder.path, 'large.sqlite'))
await measureReplacement()

async function measureAppending(file: string): Promise<void> {
  const store = createSqliteStore(file)
  const ms = await timeMs(async () => {
    for (let count = 0; count < appended; count += 1) await store.append(entry)
  })
  await store.close()
  console.log(`append: ${perSecond(appended, ms)} durable entries a second (goal: above ${goals.perSecond})`)
}

/** What a status asks of the store, and what a start reads of it. */
async function measureMillion(file: string): Promise<void> {
  const store = createSqliteStore(file)
  await store.append(entry)
  const empty = await medianMs(() => store.rollouts(key, 1))
  fill(file)
  const full = await medianMs(() => store.rollouts(key, 1))
  console.log(
    `status, a look at the last rollout: ${full.toFixed(3)} ms with ${await store.size()} entries, ${empty.toFixed(3)} ms with one`,
  )
  const kinds = ['decision.replace', 'create.intent', 'destroy.intent']
  console.log(`start, open intents: ${(await timeMs(() => store.openIntents())).toFixed(0)} ms with a million entries`)
  console.log(`start, recalled intents: ${(await timeMs(() => store.entries({ kinds }))).toFixed(0)} ms`)
  console.log(`forget all but 200,000: ${(await timeMs(() => store.forget(million - 200_000))).toFixed(0)} ms`)
  await store.close()
  await rm(file)
}

function fill(file: string): void {
  using database = new DatabaseSync(file)
  const kinds = ['create.intent', 'create.done', 'start.intent', 'start.done', 'route.intent', 'route.done']
  const insert = database.prepare(
    `INSERT INTO entries (sequence, at_ms, kind, by, message, stack, environment, service, instance, operation, leaf)
     VALUES (?, 1, ?, 'repave', '3 are wanted', 'shop', 'production', 'web', ?, ?, ?)`,
  )
  const leaf = leafOf(entry)
  database.exec('BEGIN')
  for (let sequence = 1; sequence < million; sequence += 1) {
    const kind = kinds[sequence % kinds.length] ?? ''
    insert.run(sequence, kind, `web-${sequence % 500}`, kind.endsWith('.done') ? sequence - 1 : null, leaf)
  }
  database.exec('COMMIT')
}

async function measureReplacement(): Promise<void> {
  const withLedger: number[] = []
  const without: number[] = []
  const [recorded, plain] = [await Scene.open(), await Scene.open()]
  try {
    await plain.startController(unrecorded)
    for (const scene of [recorded, plain]) await replace(scene, 'before')
    for (let round = 1; round <= rounds; round += 1) {
      withLedger.push(await replace(recorded, `${round}`))
      without.push(await replace(plain, `${round}`))
    }
  } finally {
    await Promise.all([recorded.close(), plain.close()])
  }
  const ratio = median(withLedger) / median(without)
  console.log(
    `replace ${instances} instances: ${(median(withLedger) / 1000).toFixed(2)} s with a ledger, ${(median(without) / 1000).toFixed(2)} s without, ${ratio.toFixed(3)} (goal: below ${goals.overhead})`,
  )
}

async function replace(scene: Scene, greeting: string): Promise<number> {
  await scene.declare({ replicas: instances, environment: { GREETING: greeting } })
  return timeMs(() => scene.succeed('up'))
}

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < 51; count += 1) times.push(await timeMs(work))
  return median(times)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function perSecond(count: number, ms: number): number {
  return Math.round((count / ms) * 1000)
}
