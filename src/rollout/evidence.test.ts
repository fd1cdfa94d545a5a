import { describe, expect, test } from 'vitest'
import { Evidence } from './evidence.ts'
import type { Showing } from './stratum.ts'
import { Tally } from './tally.ts'

interface Shown {
  readonly answers?: number
  readonly errors?: number
  readonly slow?: number
  readonly instances?: number
  readonly restarts?: number
}

const options = { requests: 100, errors: true, latency: { percentile: 95, tolerance: 1.5 } }

/** Quick answers take 10 ms, slow ones 100 ms. */
function showing({ answers = 0, errors = 0, slow = 0, instances = 1, restarts = 0 }: Shown): Showing {
  const tally = new Tally()
  tally.count(200, 10, answers - errors - slow)
  tally.count(200, 100, slow)
  tally.count(500, 10, errors)
  return { answers: tally, instances, restarts }
}

function take(evidence: Evidence, ticks: number, share: number, ours: Shown | undefined, theirs?: Shown): void {
  for (let tick = 0; tick < ticks; tick += 1)
    evidence.take({ share, ...(ours && { new: showing(ours) }), ...(theirs && { old: showing(theirs) }) })
}

describe('beside the old version', () => {
  test('an equal one is fine once enough was answered', () => {
    const evidence = new Evidence(options)
    take(evidence, 19, 0.05, { answers: 5 }, { answers: 95 })
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 95, need: 100 })
    take(evidence, 1, 0.05, { answers: 5 }, { answers: 95, errors: 1 })
    expect(evidence.judgement()).toEqual({ kind: 'fine' })
  })

  test('one with more errors is worse, and stays so', () => {
    const evidence = new Evidence(options)
    take(evidence, 20, 0.05, { answers: 5, errors: 1 }, { answers: 95 })
    const worse = { kind: 'worse', reason: 'errors: 4 of 20 answers failed, of the old version 0 of 380' }
    expect(evidence.judgement()).toEqual(worse)
    take(evidence, 1_000, 0.05, { answers: 5 }, { answers: 95, errors: 1 })
    expect(evidence.judgement()).toEqual(worse)
  })
})
