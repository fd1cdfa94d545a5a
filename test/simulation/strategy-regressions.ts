/** Histories that broke a promise once rollouts had strategies, went back as one, and could be steered. */
import type { Quantity, Scope, VerdictPolicy } from '../../src/model/stack.ts'
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
const none: Quantity = { kind: 'count', count: 0 }
const one: Quantity = { kind: 'count', count: 1 }
const apart: Partial<ServiceChoice> = {
  maxSurge: none,
  maxUnavailable: one,
  drainMs: 2_000,
  strategy: { strategy: 'recreate' },
}
const quarter: Quantity = { kind: 'share', share: 0.25 }
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
  {
    name: 'a rehearsal that a rollout holds up does not keep the controller awake',
    seed: 1,
    history: {
      profile: 'calm',
      patient: false,
      isShort: true,
      actions: [{ kind: 'up', scope: live, choice: { web: service('never', 1, { rehearsalMs: 2_000 }) }, afterMs: 0 }],
    },
  },
  {
    name: 'an engine that is seen as it was before it restarted may give an address to another service',
    seed: 8160,
    history: {
      profile: 'everything',
      patient: false,
      isShort: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('quick', 2, { maxSurge: quarter, maxUnavailable: one, drainMs: 5_000 }),
            api: service('quick', 6, {
              generation: 1,
              maxSurge: none,
              maxUnavailable: one,
              drainMs: 5_000,
              strategy: {
                strategy: 'canary',
                keepWarmMs: 3_000,
                steps: [{ share: 0.5, holdMs: 18_000, requests: 1 }],
              },
              verdict: { windowMs: 1_000, requests: 20, errors: false },
            }),
            worker: service('usual', 1, {
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: one,
              drainMs: 2_000,
              strategy: { strategy: 'recreate' },
            }),
          },
          afterMs: 181,
        },
        { kind: 'engine-late', byMs: 1_510, forMs: 9_069, afterMs: 1_859 },
        { kind: 'removal', pick: 0.9114860597440202, afterMs: 1_678 },
        { kind: 'engine-restart', afterMs: 1_125 },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('stubborn', 2, {
              maxSurge: { kind: 'count', count: 2 },
              drainMs: 2_000,
              verdict: { windowMs: 1_000, requests: 20, errors: true },
            }),
            api: service('slow', 2, {
              generation: 2,
              strategy: {
                strategy: 'canary',
                keepWarmMs: 3_000,
                steps: [{ share: 0.05, holdMs: 2_366, requests: 3 }],
              },
              standby: 1,
              rehearsalMs: 3_490,
              dependsOn: ['web'],
            }),
          },
          afterMs: 336,
        },
      ],
    },
  },
  {
    name: 'one that got the name of one that a stranger removed does not serve by the server of that',
    seed: 12557,
    history: {
      profile: 'strangers',
      patient: false,
      actions: [
        {
          kind: 'up',
          scope: { ...live, environment: 'test' },
          choice: {
            web: service('stubborn', 1, {
              generation: 2,
              maxUnavailable: one,
              drainMs: 5_000,
              ...blueGreen,
              verdict: { windowMs: 3_000, requests: 20, errors: true, latency: { percentile: 50, tolerance: 1.2 } },
            }),
          },
          afterMs: 679,
        },
        { kind: 'removal', pick: 0.7840224362734566, afterMs: 145 },
        { kind: 'removal', pick: 0.47237337466808405, afterMs: 202 },
      ],
    },
  },
  {
    name: 'a rollout whose deadline a crash has begun anew is waited for',
    seed: 19980,
    history: {
      profile: 'crashes',
      patient: true,
      isShort: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('never', 3, {
              generation: 1,
              maxUnavailable: one,
              verdict: { windowMs: 0, requests: 20, errors: true, latency: { percentile: 50, tolerance: 1.2 } },
            }),
          },
          afterMs: 647,
        },
        { kind: 'crash', calls: 1, when: 'before', finishing: false, afterMs: 21_882 },
        { kind: 'up', scope: live, choice: { web: service('stubborn', 3) }, afterMs: 0 },
      ],
    },
  },
  {
    name: 'what must not overlap is made while the version before still runs',
    seed: 574,
    history: {
      profile: 'deaths',
      patient: false,
      isShort: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('sluggish', 3, { drainMs: 5_000 }) }, afterMs: 196 },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('slow', 1, { generation: 2, drainMs: 2_000, strategy: { strategy: 'recreate' } }),
          },
          afterMs: 1_346,
        },
        { kind: 'death', pick: 0.04280529236619812, outOfMemory: false, afterMs: 0 },
      ],
    },
  },
  {
    name: 'what ends before the next version may begin is no delay of its own',
    seed: 7153,
    history: {
      profile: 'everything',
      patient: false,
      isShort: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('stubborn', 2, {
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: quarter,
              drainMs: 5_000,
              strategy: { strategy: 'blueGreen', keepWarmMs: 10_000 },
              standby: 2,
              verdict: { windowMs: 1_000, requests: 0, errors: true },
            }),
            api: service('slow', 3, {
              generation: 2,
              maxSurge: none,
              maxUnavailable: one,
              strategy: { strategy: 'blueGreen', keepWarmMs: 0 },
            }),
          },
          rollback: 'service',
          afterMs: 4_058,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('slow', 1, {
              generation: 1,
              maxSurge: { kind: 'share', share: 1 },
              maxUnavailable: one,
              drainMs: 5_000,
              strategy: { strategy: 'recreate' },
            }),
            api: service('stubborn', 2, {
              generation: 2,
              strategy: {
                strategy: 'canary',
                keepWarmMs: 3_000,
                steps: [{ share: 0.05, holdMs: 18_000, requests: 1 }],
              },
              verdict: { windowMs: 0, requests: 20, errors: true },
              dependsOn: ['web'],
            }),
          },
          afterMs: 9_664,
        },
      ],
    },
  },
  {
    name: 'a pause leaves one that stood by where it has stepped in',
    seed: 11451,
    history: {
      profile: 'engine',
      patient: false,
      isShort: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: { web: service('quick', 2, { maxSurge: none, maxUnavailable: one, standby: 1 }) },
          rollback: 'service',
          afterMs: 1_525,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('slow', 4, {
              generation: 1,
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: one,
              drainMs: 2_000,
              verdict: { windowMs: 0, requests: 20, errors: true },
            }),
          },
          afterMs: 964,
        },
        { kind: 'steer', scope: live, verb: 'pause', afterMs: 77 },
        { kind: 'death', pick: 0.9399262189892096, outOfMemory: false, afterMs: 1_520 },
      ],
    },
  },
  {
    name: 'a first stage gives requests to no more than it is to',
    seed: 18520,
    history: {
      profile: 'disk',
      patient: false,
      isShort: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('usual', 0, {
              generation: 1,
              maxSurge: none,
              maxUnavailable: one,
              drainMs: 5_000,
              verdict: { windowMs: 1_000, requests: 5, errors: true },
              rehearsalMs: 4_195,
            }),
          },
          afterMs: 526,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('flaky', 6, {
              generation: 2,
              drainMs: 5_000,
              strategy: { strategy: 'canary', keepWarmMs: 0, steps: [{ share: 0.05, holdMs: 18_000, requests: 0 }] },
            }),
            worker: service('slow', 3, { generation: 2 }),
          },
          rollback: 'service',
          afterMs: 153,
        },
      ],
    },
  },
  {
    name: 'a canary of a fleet that had none lets go of a stranger, however few its first stage has',
    seed: 3730,
    history: {
      profile: 'deaths',
      patient: false,
      isShort: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('quick', 0, {
              ...apart,
              generation: 1,
              lifetimeMs: 107_010,
            }),
            api: service('mortal', 4, { ...apart, generation: 1, escalation: 'rollback' }),
          },
          afterMs: 1_114,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('stubborn', 3, {
              generation: 1,
              maxSurge: { kind: 'share', share: 1 },
              drainMs: 2_000,
              strategy: {
                strategy: 'canary',
                keepWarmMs: 3_000,
                steps: [
                  { share: 0.1, holdMs: 1_366, requests: 1 },
                  { share: 0.5, holdMs: 1_936, requests: 1 },
                ],
              },
            }),
          },
          afterMs: 38_868,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            api: service('flaky', 4, {
              drainMs: 2_000,
              strategy: { strategy: 'canary', keepWarmMs: 0, steps: [{ share: 0.05, holdMs: 1_552, requests: 1 }] },
              standby: 2,
              verdict: { windowMs: 0, requests: 0, errors: true, latency: { percentile: 50, tolerance: 1.2 } },
            }),
            web: service('quick', 3, {
              maxSurge: none,
              maxUnavailable: one,
              drainMs: 2_000,
              strategy: { strategy: 'canary', keepWarmMs: 10_000, steps: [{ share: 0.05, holdMs: 634, requests: 0 }] },
              standby: 1,
            }),
          },
          rollback: 'service',
          afterMs: 1_887,
        },
      ],
    },
  },
]
