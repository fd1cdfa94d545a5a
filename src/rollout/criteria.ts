/** What makes a version worse than another: errors, slow answers, restarts. Pure. */
import type { Criterion } from './comparison.ts'
import type { Counts } from './counts.ts'

export const errorCriterion: Criterion = {
  borneOdds: 1,
  isAbsolute: true,
  count: ({ answers }) => ({ exposed: answers.answers, events: answers.errors }),
  describe: (ours, theirs) => `errors: ${ofAll(ours)} answers failed${theirs ? ofTheOld(ofAll(theirs)) : ''}`,
}

/** Each second of an instance in rotation may be its last. */
export const restartCriterion: Criterion = {
  borneOdds: 1,
  isAbsolute: true,
  count: ({ instances, restarts }) => ({ exposed: instances, events: restarts }),
  describe: (ours, theirs) =>
    `restarts: ${inSeconds(ours)} instance-seconds${theirs ? ofTheOld(inSeconds(theirs)) : ''}`,
}

export function latencyCriterion(thresholdMs: number, tolerance: number): Criterion {
  const threshold = `${number(Number(thresholdMs.toPrecision(2)))} ms`
  return {
    borneOdds: Math.max(1, tolerance),
    // A share of the answers is always slower than a percentile.
    isAbsolute: false,
    count: ({ answers: { latencies } }) => ({ exposed: latencies.total, events: latencies.slowerThan(thresholdMs) }),
    describe: (ours, theirs) =>
      `slow: ${percentOf(ours)} answers took longer than ${threshold}${theirs ? ofTheOld(percentOf(theirs)) : ''}`,
  }
}

const ofTheOld = (figures: string) => `, of the old version ${figures}`
const ofAll = ({ events, exposed }: Counts) => `${number(events)} of ${number(exposed)}`
const inSeconds = ({ events, exposed }: Counts) => `${number(events)} in ${number(exposed)}`
const percentOf = ({ events, exposed }: Counts) => `${percent(events / exposed)} of ${number(exposed)}`

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`
}

function number(value: number): string {
  return value.toLocaleString('en')
}
