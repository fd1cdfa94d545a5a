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

/** Quick answers take 10 ms, slow ones 100 ms, and those that fail 1 ms. */
function showing({ answers = 0, errors = 0, slow = 0, instances = 1, restarts = 0 }: Shown): Showing {
  const tally = new Tally()
  tally.count(200, 10, answers - errors - slow)
  tally.count(200, 100, slow)
  tally.count(500, 1, errors)
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

  test('one that is as quick as the old one where that answers is fine, however fast the old one fails', () => {
    const evidence = new Evidence({ requests: 20, errors: true, latency: { percentile: 50, tolerance: 1.2 } })
    take(evidence, 10, 0, undefined, { answers: 100, errors: 90 })
    take(evidence, 10, 0.5, { answers: 50 }, { answers: 50, errors: 45 })
    expect(evidence.judgement()).toEqual({ kind: 'fine' })
  })

  test('one is not too slow for half of its answers beyond the median of an old one that is gone', () => {
    const evidence = new Evidence({ requests: 20, errors: true, latency: { percentile: 50, tolerance: 1.2 } })
    take(evidence, 1, 0, undefined, { answers: 100, slow: 49 })
    take(evidence, 5, 1, { answers: 20, slow: 11 })
    expect(evidence.judgement()).toEqual({ kind: 'fine' })
  })
})
