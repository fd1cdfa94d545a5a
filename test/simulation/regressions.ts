/**
 * Histories that once broke a promise, as short as they could be made (`npm run simulate -- --seed S --shrink`): kept as
 * data, since a seed means another history as soon as histories are drawn otherwise.
 */
import type { History } from './history.ts'

interface Regression {
  readonly name: string
  readonly seed: number
  readonly history: History
}

export const regressions: readonly Regression[] = []
