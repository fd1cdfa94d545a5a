/**
 * Fisher's noncentral hypergeometric distribution (Fisher 1935): of `events` that happened to `ours` and `theirs`
 * together, how many happened to ours, when the odds of it are `odds` times those of theirs. Sums begin at the mode and
 * end where nothing is added any more (Liao and Rosen 2001). Pure.
 */

/** A table of two by two, of which only the margins are known. */
export interface Margins {
  readonly ours: number
  readonly theirs: number
  readonly events: number
}

/** The natural logarithm of the probability of `observed` of ours. */
export function logProbability(margins: Margins, observed: number, odds: number): number {
  return logWeight(margins, observed, odds) - logSum(margins, odds)
}

/** The probability of `observed` or more of ours; with odds of 1, Fisher's exact test. */
export function upperTail(margins: Margins, observed: number, odds: number): number {
  let [tail, sum] = [0, 0]
  fromMode(margins, odds, (events, weight) => {
    sum += weight
    if (events >= observed) tail += weight
  })
  return tail / sum
}

/** The logarithm of the sum of all weights. */
function logSum(margins: Margins, odds: number): number {
  let sum = 0
  const mode = fromMode(margins, odds, (_events, weight) => {
    sum += weight
  })
  return logWeight(margins, mode, odds) + Math.log(sum)
}

/** Tells of each number of events that has weight, relative to that of the mode; answers the mode. */
function fromMode(margins: Margins, odds: number, tell: (events: number, weight: number) => void): number {
  const { ours, theirs, events } = margins
  const [least, most] = [Math.max(0, events - theirs), Math.min(ours, events)]
  const mode = Math.min(most, Math.max(least, modeOf(margins, odds)))
  tell(mode, 1)
  for (let [at, weight] = [mode, 1]; at < most && weight > negligible; at += 1) {
    weight *= ((ours - at) * (events - at) * odds) / ((at + 1) * (theirs - events + at + 1))
    tell(at + 1, weight)
  }
  for (let [at, weight] = [mode, 1]; at > least && weight > negligible; at -= 1) {
    weight *= (at * (theirs - events + at)) / ((ours - at + 1) * (events - at + 1) * odds)
    tell(at - 1, weight)
  }
  return mode
}

const negligible = 1e-18

/** The root of the quadratic equation that says that neighbours have the same weight; for odds of 1 or more. */
function modeOf({ ours, theirs, events }: Margins, odds: number): number {
  const slope = (ours + events + 2) * odds + theirs - events
  const product = (ours + 1) * (events + 1) * odds
  return Math.floor((2 * product) / (slope + Math.sqrt(slope * slope - 4 * (odds - 1) * product)))
}

function logWeight({ ours, theirs, events }: Margins, at: number, odds: number): number {
  return logChoose(ours, at) + logChoose(theirs, events - at) + at * Math.log(odds)
}

function logChoose(of: number, count: number): number {
  return logFactorial(of) - logFactorial(count) - logFactorial(of - count)
}

const logFactorials = [0]
for (let count = 1; count <= 1_000; count += 1) logFactorials.push((logFactorials[count - 1] ?? 0) + Math.log(count))

/** Above the table: Stirling's series, whose next member is below 1e-18 there. */
function logFactorial(count: number): number {
  const known = logFactorials[count]
  if (known !== undefined) return known
  const series = 1 / (12 * count) - 1 / (360 * count ** 3)
  return (count + 0.5) * Math.log(count) - count + 0.5 * Math.log(2 * Math.PI) + series
}
