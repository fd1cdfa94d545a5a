/** Histories of touches, and of controllers that die while they answer one. */
import type { Scope } from '../../src/model/stack.ts'
import type { Action } from './history.ts'
import type { Regression } from './regressions.ts'

const live: Scope = { stack: 'shop', environment: 'live' }
const count = (number: number) => ({ kind: 'count', count: number }) as const
const web = {
  image: 'usual',
  generation: 0,
  replicas: 3,
  maxSurge: count(1),
  maxUnavailable: count(0),
  drainMs: 500,
} as const

const start: Action = { kind: 'up', scope: live, choice: { web }, afterMs: 0 }
const touch: Action = { kind: 'touch', pick: 0.5, how: 'exec', afterMs: 4_000 }

/** The touch itself is a record; then follow intents, effects and outcomes. */
const deaths = [1, 2, 3, 4, 5, 6, 8, 10]

export const guardRegressions: readonly Regression[] = deaths.map((calls) => ({
  name: `a controller that dies after its call ${calls} since an instance is touched`,
  seed: 1,
  history: {
    profile: 'touches',
    patient: false,
    actions: [
      start,
      { kind: 'crash', calls, when: 'after', finishing: true, afterMs: 3_999 },
      { ...touch, afterMs: 1 },
    ],
  },
}))
