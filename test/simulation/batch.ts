/** A run of worlds from one seed on, and what came of it. */
import { simulate, type Outcome } from './simulation.ts'
import { nothing, sum, tallyOf, type Tally } from './tally.ts'

export interface Batch {
  readonly from: number
  readonly count: number
  readonly steps: number
  /** Whether it goes on after the first world in which something is broken. */
  readonly keepGoing: boolean
}

export interface BatchResult {
  readonly tally: Tally
  readonly broken: readonly Outcome[]
}

export async function runBatch({ from, count, steps, keepGoing }: Batch): Promise<BatchResult> {
  const broken: Outcome[] = []
  let tally = nothing
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate({ seed, steps })
    tally = sum(tally, tallyOf(outcome))
    if (outcome.violation) broken.push(outcome)
    if (outcome.violation && !keepGoing) break
  }
  return { tally, broken }
}
