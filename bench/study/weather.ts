/** What befalls all versions alike: the share of requests that fail, tick by tick. */
import type { Random } from '../../src/system/random.ts'

/** `bursts`: now and then a tick is ten times as bad, and 20 % at least; the others are waves that begin anywhere. */
export type Pattern = 'steady' | 'bursts' | 'waves' | 'gentle waves'

const burstShare = 0.05
const heights: Partial<Record<Pattern, number>> = { waves: 1, 'gentle waves': 0.2 }

export function errorRates(random: Random, pattern: Pattern, rate: number, ticks: number): readonly number[] {
  const [phase, height] = [random.next(), heights[pattern] ?? 0]
  return Array.from({ length: ticks }, (_, tick) => {
    if (pattern === 'bursts' && random.next() < burstShare) return Math.max(0.2, 10 * rate)
    return rate * (1 + height * Math.sin(2 * Math.PI * (phase + tick / ticks)))
  })
}
