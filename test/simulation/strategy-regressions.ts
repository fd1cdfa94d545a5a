/** Histories that broke a promise once rollouts had strategies, went back as one, and could be steered. */
import type { Scope, VerdictPolicy } from '../../src/model/stack.ts'
import type { ImageName, ServiceChoice } from './catalogue.ts'
import type { Regression } from './regressions.ts'

const live: Scope = { stack: 'shop', environment: 'live' }

function service(image: ImageName, replicas: number, change: Partial<ServiceChoice> = {}): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation: 0, replicas, ...rollout, drainMs: 500, ...change }
}

const blueGreen: Partial<ServiceChoice> = { strategy: { strategy: 'blueGreen', keepWarmMs: 10_000 } }
const canary: Partial<ServiceChoice> = {
  strategy: { strategy: 'canary', keepWarmMs: 3_000, steps: [{ share: 0.25, holdMs: 2_500, requests: 1 }] },
}
const verdict: VerdictPolicy = { windowMs: 1_000, requests: 5, errors: true }

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
  {
    name: 'the lanes stay the same where nothing is left of what the fleet had',
    seed: 31,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 0) }, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: service('quick', 2, { generation: 1, ...canary }) }, afterMs: 5_000 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 30_000 },
      ],
    },
  },
  {
    name: 'what takes the place of a fleet in the other lane has room beside it',
    seed: 127,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
        {
          kind: 'up',
          scope: live,
          choice: { web: service('quick', 4, { generation: 1, ...blueGreen }) },
          afterMs: 5_000,
        },
        { kind: 'rollback', scope: live, afterMs: 3_000 },
      ],
    },
  },
  {
    name: 'a fleet that was kept warm makes room for the next',
    seed: 77,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 4) }, afterMs: 0 },
        {
          kind: 'up',
          scope: live,
          choice: { web: service('quick', 1, { generation: 1, ...blueGreen }) },
          afterMs: 5_000,
        },
        { kind: 'up', scope: live, choice: { web: service('quick', 4, { generation: 2 }) }, afterMs: 3_000 },
      ],
    },
  },
  {
    name: 'what loses its share of the requests is not counted on when others are let go',
    seed: 270,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 4) }, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: service('quick', 1, { generation: 1, ...canary }) }, afterMs: 9_000 },
        {
          kind: 'up',
          scope: live,
          choice: { web: service('quick', 4, { generation: 2, maxUnavailable: { kind: 'count', count: 1 } }) },
          afterMs: 1_000,
        },
      ],
    },
  },
  {
    name: 'a rollout to no instances at all has nothing to wait for',
    seed: 2,
    history: {
      profile: 'calm',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
        {
          kind: 'up',
          scope: live,
          choice: { web: service('quick', 0, { generation: 1, ...blueGreen }) },
          afterMs: 5_000,
        },
        { kind: 'up', scope: live, choice: { web: service('quick', 0, { generation: 2, verdict }) }, afterMs: 30_000 },
      ],
    },
  },
]
