/** Lots that a simulated world draws. */
import type { Random } from '../../src/system/random.ts'

/** How many of `count`, at most 1,000, happen, each with `probability`: by inversion. */
export function binomial(random: Random, count: number, probability: number): number {
  if (probability <= 0) return 0
  if (probability > 0.5) return count - binomial(random, count, 1 - probability)
  const odds = probability / (1 - probability)
  let left = random.next()
  let weight = (1 - probability) ** count
  let happened = 0
  for (; left >= weight && happened < count; happened += 1) {
    left -= weight
    weight *= (odds * (count - happened)) / (happened + 1)
  }
  return happened
}

/** Of the standard normal distribution (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log1p(-random.next())) * Math.cos(2 * Math.PI * random.next())
}
