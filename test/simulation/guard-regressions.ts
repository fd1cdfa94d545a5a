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

const answers: readonly Regression[] = deaths.map((calls) => ({
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

export const guardRegressions: readonly Regression[] = [
  ...answers,
  {
    name: 'a controller that is told to stop before it has told anybody keeps what others have told',
    seed: 4397,
    history: {
      profile: 'crashes',
      patient: false,
      isShort: false,
      actions: [
        {
          kind: 'up',
          scope: { stack: 'shop', environment: 'live' },
          choice: {
            web: {
              image: 'stillborn',
              generation: 0,
              replicas: 6,
              maxSurge: { kind: 'count', count: 0 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 5000,
              strategy: { strategy: 'recreate' },
              verdict: { windowMs: 3000, requests: 5, errors: true },
            },
          },
          afterMs: 1523,
        },
        {
          kind: 'crash-in-recovery',
          calls: 10,
          when: 'before',
          finishing: false,
          times: 2,
          meanwhile: { kind: 'repave', scope: { stack: 'shop', environment: 'live' } },
          afterMs: 1088,
        },
        { kind: 'controller-restart', afterMs: 0 },
      ],
    },
  },
  {
    name: 'a standby that is touched in the moment in which it is to step in does not',
    seed: 298,
    history: {
      profile: 'everything',
      patient: false,
      isShort: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              ...web,
              image: 'stubborn',
              generation: 1,
              replicas: 1,
              maxSurge: count(0),
              maxUnavailable: count(1),
              standby: 1,
              verdict: { windowMs: 0, requests: 20, errors: true },
            },
          },
          afterMs: 2_607,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            worker: { ...web, image: 'stubborn', generation: 1, replicas: 2, escalation: 'rollback' },
            web: {
              ...web,
              generation: 2,
              replicas: 2,
              strategy: { strategy: 'canary', keepWarmMs: 3_000, steps: [{ share: 0.25, holdMs: 311, requests: 3 }] },
              standby: 1,
              escalation: 'tighten',
            },
          },
          afterMs: 9_390,
        },
        { kind: 'touches', share: 0.355, afterMs: 667 },
      ],
    },
  },
]
