/** Runs worlds in several processes; the outcome is the same on any number of them. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Batch, BatchResult } from './batch.ts'
import type { Outcome } from './simulation.ts'
import { nothing, sum, type Tally } from './tally.ts'

export interface ManyWorlds extends Batch {
  readonly processes: number
}

export interface ManyOutcomes {
  readonly tally: Tally
  /** By seed; without `keepGoing`, the first alone. */
  readonly broken: readonly Outcome[]
}

const batchSize = 50
const program = fileURLToPath(new URL('./batch-process.ts', import.meta.url))

export async function simulateMany({ processes, ...worlds }: ManyWorlds): Promise<ManyOutcomes> {
  const batches = batchesOf(worlds)
  let tally = nothing
  const broken: Outcome[] = []
  const take = (result: BatchResult) => {
    tally = sum(tally, result.tally)
    broken.push(...result.broken)
    // Those that have begun go on: a seed that is lower may break, too.
    if (broken.length > 0 && !worlds.keepGoing) batches.length = 0
  }
  await Promise.all(Array.from({ length: processes }, () => work(batches, take)))
  broken.sort((a, b) => a.seed - b.seed)
  return { tally, broken: worlds.keepGoing ? broken : broken.slice(0, 1) }
}

function batchesOf({ from, count, ...how }: Batch): Batch[] {
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, index) => ({
    ...how,
    from: from + index * batchSize,
    count: Math.min(batchSize, count - index * batchSize),
  }))
}

async function work(batches: Batch[], take: (result: BatchResult) => void): Promise<void> {
  const child = fork(program, { execArgv: [], serialization: 'advanced' })
  const failure = ended(child)
  try {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      child.send(batch)
      const [result] = await Promise.race([once(child, 'message'), failure])
      take(result as BatchResult)
    }
  } finally {
    failure.catch(() => undefined)
    child.kill()
  }
}

async function ended(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit')
  throw new Error(`a process that simulates worlds has ended: ${signal ?? code}`)
}
