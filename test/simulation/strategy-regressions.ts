/** Histories that broke a promise once rollouts had strategies, went back as one, and could be steered. */
import type { Scope } from '../../src/model/stack.ts'
import type { ImageName, ServiceChoice } from './catalogue.ts'
import type { Regression } from './regressions.ts'

const live: Scope = { stack: 'shop', environment: 'live' }

function service(image: ImageName, replicas: number, change: Partial<ServiceChoice> = {}): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation: 0, replicas, ...rollout, drainMs: 500, ...change }
}

export const strategyRegressions: readonly Regression[] = [
  {
    name: 'a change of replicas goes back with what was decided with it',
    seed: 111,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 1) }, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: service('quick', 3), api: service('stillborn', 1) }, afterMs: 9_000 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 20_000 },
      ],
    },
  },
  {
    name: 'what a later decision did away with does not come back with an earlier one',
    seed: 1,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 1), worker: service('quick', 1) }, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: service('never', 1), worker: service('quick', 1) }, afterMs: 9_000 },
        { kind: 'up', scope: live, choice: { web: service('never', 1) }, afterMs: 2_000 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 30_000 },
      ],
    },
  },
]
