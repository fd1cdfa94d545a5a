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

const kindOf = (evidence: Evidence) => evidence.judgement().kind

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

  test('errors are compared only where that is wanted', () => {
    const evidence = new Evidence({ requests: 100, errors: false })
    take(evidence, 20, 0.05, { answers: 5, errors: 5 }, { answers: 95 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('one that answers slowly is worse', () => {
    const evidence = new Evidence(options)
    take(evidence, 2, 0, undefined, { answers: 100, slow: 4 })
    take(evidence, 20, 0.05, { answers: 5, slow: 2 }, { answers: 1_000, slow: 40 })
    const reason = 'slow: 40 % of 20 answers took longer than 10 ms, of the old version 4 % of 4,000'
    expect(evidence.judgement()).toEqual({ kind: 'worse', reason })
  })

  test('slower answers are borne as far as is said', () => {
    const evidence = new Evidence({ ...options, latency: { percentile: 95, tolerance: 20 } })
    take(evidence, 2, 0, undefined, { answers: 100, slow: 4 })
    take(evidence, 100, 0.05, { answers: 5, slow: 2 }, { answers: 1_000, slow: 40 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('one whose instances end by themselves is worse', () => {
    const evidence = new Evidence(options)
    take(evidence, 10, 0.1, { answers: 20, restarts: 1 }, { answers: 180, instances: 9 })
    const reason = 'restarts: 5 in 5 instance-seconds, of the old version 0 in 45'
    expect(evidence.judgement()).toEqual({ kind: 'worse', reason })
  })

  test('both getting worse at once is nothing against the new one', () => {
    const evidence = new Evidence(options)
    take(evidence, 20, 0.25, { answers: 25 }, { answers: 75 })
    take(evidence, 20, 0.25, { answers: 25, errors: 10 }, { answers: 75, errors: 30 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('no single second is enough, however bad and busy, either to be worse or to be fine', () => {
    const evidence = new Evidence(options)
    take(evidence, 1, 0.5, { answers: 5_000, errors: 5_000 }, { answers: 5_000 })
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 5_000, need: 50_000 })
    take(evidence, 3, 0.5, { answers: 5_000, errors: 5_000 }, { answers: 5_000 })
    expect(kindOf(evidence)).toBe('worse')
  })

  test('one that turns bad late is worse within seconds', () => {
    const evidence = new Evidence(options)
    take(evidence, 1_000, 0.05, { answers: 5 }, { answers: 95, errors: 1 })
    expect(kindOf(evidence)).toBe('fine')
    take(evidence, 10, 0.05, { answers: 5, errors: 4 }, { answers: 95, errors: 1 })
    expect(kindOf(evidence)).toBe('worse')
  })

  test('one that looks worse, but not surely so, has to give five times the answers', () => {
    const evidence = new Evidence(options)
    take(evidence, 20, 0.05, { answers: 5 }, { answers: 95 })
    take(evidence, 1, 0.05, { answers: 5, errors: 1 }, { answers: 95 })
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 105, need: 500 })
    take(evidence, 79, 0.05, { answers: 5 }, { answers: 95 })
    expect(evidence.judgement()).toEqual({ kind: 'fine' })
  })
})

describe('alone', () => {
  test('it is compared with what the old version did before', () => {
    const evidence = new Evidence(options)
    take(evidence, 20, 0, undefined, { answers: 100, errors: 1 })
    take(evidence, 1, 1, { answers: 100, errors: 1 })
    expect(kindOf(evidence)).toBe('fine')
    take(evidence, 4, 1, { answers: 100, errors: 20 })
    const reason = 'errors: 41 of 300 answers failed, of the old version 20 of 2,000 before'
    expect(evidence.judgement()).toEqual({ kind: 'worse', reason })
  })

  test('what the old one still finishes is not compared', () => {
    const evidence = new Evidence(options)
    take(evidence, 20, 0, undefined, { answers: 100, errors: 1 })
    take(evidence, 20, 1, { answers: 100, errors: 1 }, { answers: 100, errors: 100, instances: 0 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('a rate that is half as high again is put down to the time', () => {
    const evidence = new Evidence(options)
    take(evidence, 100, 0, undefined, { answers: 1_000, errors: 20 })
    take(evidence, 100, 1, { answers: 1_000, errors: 29 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('a rate that leaps up and down is no news', () => {
    const evidence = new Evidence(options)
    for (let tick = 0; tick < 40; tick += 1)
      take(evidence, 1, 0, undefined, { answers: 100, errors: tick % 8 ? 0 : 50 })
    take(evidence, 2, 1, { answers: 100 })
    take(evidence, 2, 1, { answers: 100, errors: 50 })
    expect(kindOf(evidence)).not.toBe('worse')
  })

  test('with none before it, it is worse only when most of its answers fail', () => {
    const [working, failing] = [new Evidence(options), new Evidence(options)]
    take(working, 1, 1, { answers: 200, errors: 90 })
    expect(kindOf(working)).toBe('fine')
    take(failing, 4, 1, { answers: 5, errors: 5 })
    expect(kindOf(failing)).toBe('insufficient')
    take(failing, 1, 1, { answers: 5, errors: 3 })
    expect(failing.judgement()).toEqual({ kind: 'worse', reason: 'errors: 23 of 25 answers failed' })
  })
})

describe('how much is needed', () => {
  test('where no answers are asked for, none are waited for', () => {
    expect(kindOf(new Evidence({ requests: 0, errors: true }))).toBe('fine')
  })

  test('no answers are never a pass', () => {
    const evidence = new Evidence(options)
    take(evidence, 1_000, 0.05, {}, { answers: 100 })
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 0, need: 100 })
  })

  test('what was not told is not counted, and what is needed is counted anew', () => {
    const evidence = new Evidence(options)
    take(evidence, 3, 0.5, { answers: 40 }, { answers: 60 })
    expect(kindOf(evidence)).toBe('fine')
    evidence.lose()
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 0, need: 100 })
    take(evidence, 3, 0.5, { answers: 40 }, { answers: 60 })
    expect(kindOf(evidence)).toBe('fine')
  })

  test('what was lost does not speak for a version that was worse before', () => {
    const evidence = new Evidence(options)
    take(evidence, 3, 0.05, { answers: 5, errors: 1 }, { answers: 95 })
    evidence.lose()
    take(evidence, 1, 0.05, { answers: 5, errors: 1 }, { answers: 95 })
    expect(kindOf(evidence)).toBe('worse')
  })

  test('each step may ask for answers of its own', () => {
    const evidence = new Evidence(options)
    take(evidence, 2, 0.5, { answers: 50 }, { answers: 50 })
    evidence.demand(200)
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 0, need: 200 })
  })

  test('few answers are gathered for some seconds before they count', () => {
    const evidence = new Evidence({ ...options, requests: 10 })
    take(evidence, 4, 0.5, { answers: 5 }, { answers: 5 })
    expect(evidence.judgement()).toEqual({ kind: 'insufficient', have: 0, need: 10 })
    take(evidence, 1, 0.5, { answers: 5 }, { answers: 5 })
    expect(kindOf(evidence)).toBe('fine')
  })
})
