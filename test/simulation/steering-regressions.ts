/**
 * Histories of what people do while rollouts run, and of what a fleet owes to its strategy. Some broke a promise once; in
 * the others, a controller that is broken on purpose breaks one soon.
 */
import type { Scope, VerdictPolicy } from '../../src/model/stack.ts'
import type { ImageName, ServiceChoice, StackChoice } from './catalogue.ts'
import type { Action } from './history.ts'
import type { Regression } from './regressions.ts'

const live: Scope = { stack: 'shop', environment: 'live' }

function service(image: ImageName, replicas: number, change: Partial<ServiceChoice> = {}): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation: 0, replicas, ...rollout, drainMs: 500, ...change }
}

function calm(name: string, actions: readonly Action[]): Regression {
  return { name, seed: 1, history: { profile: 'calm', patient: false, actions } }
}

const blueGreen: Partial<ServiceChoice> = { strategy: { strategy: 'blueGreen', keepWarmMs: 10_000 } }
const recreate: Partial<ServiceChoice> = { strategy: { strategy: 'recreate' } }
const canary: Partial<ServiceChoice> = {
  strategy: { strategy: 'canary', keepWarmMs: 3_000, steps: [{ share: 0.25, holdMs: 2_500, requests: 0 }] },
}

const verdict: VerdictPolicy = { windowMs: 1_000, requests: 20, errors: true }

const judged: VerdictPolicy = { ...verdict, latency: { percentile: 50, tolerance: 1.2 } }
const oldPair: StackChoice = {
  api: service('stubborn', 3, {
    maxSurge: { kind: 'count', count: 2 },
    maxUnavailable: { kind: 'count', count: 1 },
    drainMs: 2_000,
    strategy: { strategy: 'blueGreen', keepWarmMs: 3_000 },
    verdict: { ...judged, requests: 0 },
  }),
  web: service('stubborn', 1, { ...recreate, dependsOn: ['api'] }),
}
const mortalPair: StackChoice = {
  api: service('stubborn', 3, { generation: 1, ...blueGreen, verdict: { ...judged, windowMs: 3_000 } }),
  web: service('mortal', 6, {
    generation: 2,
    ...blueGreen,
    standby: 2,
    verdict: { ...verdict, errors: false },
    dependsOn: ['api'],
  }),
}

export const steeringRegressions: readonly Regression[] = [
  calm('a flip waits for all of the new fleet', [
    { kind: 'up', scope: live, choice: { web: service('quick', 3) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('slow', 3, { generation: 1, ...blueGreen }) }, afterMs: 5_000 },
  ]),
  calm('versions that must not overlap follow each other', [
    { kind: 'up', scope: live, choice: { web: service('quick', 3, recreate) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('usual', 3, { generation: 1, ...recreate }) }, afterMs: 5_000 },
  ]),
  calm('one that stands by steps in for one that has died', [
    { kind: 'up', scope: live, choice: { web: service('quick', 2, { standby: 1 }) }, afterMs: 0 },
    { kind: 'death', pick: 0, outOfMemory: false, afterMs: 5_000 },
  ]),
  calm('a pause outlives the controller', [
    { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('quick', 2, { generation: 1, ...canary }) }, afterMs: 5_000 },
    { kind: 'steer', scope: live, verb: 'pause', afterMs: 1_000 },
    { kind: 'crash', calls: 0, when: 'before', finishing: true, afterMs: 500 },
  ]),
  calm('a pause may last', [
    { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('quick', 2, { generation: 1, ...canary }) }, afterMs: 5_000 },
    { kind: 'steer', scope: live, verb: 'pause', afterMs: 1_000 },
    { kind: 'steer', scope: live, verb: 'resume', afterMs: 9_000 },
  ]),
  calm('what is replaced one by one stays as it is while it is paused, whoever controls it', [
    { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('slow', 2, { generation: 1 }) }, afterMs: 5_000 },
    { kind: 'steer', scope: live, verb: 'pause', afterMs: 1_500 },
    { kind: 'crash', calls: 0, when: 'before', finishing: true, afterMs: 500 },
  ]),
  calm('nothing is made anew of a refused version', [
    { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
    { kind: 'refuse', scope: live, service: 'web', what: 'version', afterMs: 5_000 },
    { kind: 'replace', scope: live, pick: 0, afterMs: 2_000 },
  ]),
  calm('a version whose requests fail does not pass', [
    { kind: 'up', scope: live, choice: { web: service('quick', 1) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('erring', 1, { verdict }) }, afterMs: 5_000 },
  ]),
  calm('an old version that is tried gets no requests', [
    { kind: 'up', scope: live, choice: { web: service('quick', 1) }, afterMs: 0 },
    {
      kind: 'up',
      scope: live,
      choice: { web: service('quick', 1, { generation: 1, rehearsalMs: 1_000 }) },
      afterMs: 5_000,
    },
    { kind: 'replace', scope: live, pick: 0, afterMs: 170_000 },
  ]),
  calm('a paused rollout makes up for one that is sick no more than once', [
    { kind: 'up', scope: live, choice: { web: service('quick', 3) }, afterMs: 0 },
    { kind: 'up', scope: live, choice: { web: service('slow', 3, { generation: 1 }) }, afterMs: 5_000 },
    { kind: 'steer', scope: live, verb: 'pause', afterMs: 1_000 },
    { kind: 'sickness', pick: 0, answer: 'unhealthy', forMs: 30_000, afterMs: 500 },
    { kind: 'steer', scope: live, verb: 'resume', afterMs: 9_000 },
  ]),
  calm('services that came to depend on each other in a circle do not wait for ever', [
    {
      kind: 'up',
      scope: live,
      choice: { api: service('quick', 1), web: service('quick', 1, { dependsOn: ['api'] }) },
      afterMs: 0,
    },
    {
      kind: 'up',
      scope: live,
      choice: { web: service('unrunnable', 1), api: service('quick', 1, { generation: 1, dependsOn: ['web'] }) },
      rollback: 'service',
      afterMs: 5_000,
    },
    {
      kind: 'up',
      scope: live,
      choice: { api: service('quick', 1, { generation: 2 }), web: service('quick', 1, { generation: 2 }) },
      afterMs: 9_000,
    },
    { kind: 'rollback', scope: live, afterMs: 9_000 },
  ]),
  calm('neither a first version nor a way back waits for answers that nobody asks for', [
    { kind: 'up', scope: live, choice: { web: service('quick', 1, { path: '/shop', verdict }) }, afterMs: 0 },
  ]),
  calm('what still serves of a fleet that is to have none leaves room for the next version', [
    { kind: 'up', scope: live, choice: { api: service('quick', 1), web: service('quick', 2) }, afterMs: 0 },
    {
      kind: 'up',
      scope: live,
      choice: { api: service('slow', 1), web: service('quick', 0, { dependsOn: ['api'] }) },
      afterMs: 5_000,
    },
    {
      kind: 'up',
      scope: live,
      choice: { api: service('slow', 1), web: service('usual', 2, { generation: 1, ...blueGreen }) },
      afterMs: 500,
    },
  ]),
  {
    name: 'nothing is let go of a lane that is just being given requests',
    seed: 1,
    history: {
      profile: 'router',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
        { kind: 'router-calls', fault: 'slow', calls: 3, afterMs: 5_000 },
        { kind: 'up', scope: live, choice: { web: service('quick', 2, { generation: 1, ...blueGreen }) }, afterMs: 0 },
        { kind: 'steer', scope: live, verb: 'abort', afterMs: 4_500 },
        { kind: 'steer', scope: live, verb: 'resume', afterMs: 9_000 },
      ],
    },
  },
  {
    name: 'what is brought back to serve keeps no new version from its requests',
    seed: 1156,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: oldPair, afterMs: 16_866 },
        { kind: 'disk-slow', byMs: 233, forMs: 9_060, afterMs: 8_654 },
        { kind: 'up', scope: live, choice: mortalPair, afterMs: 131 },
      ],
    },
  },
]
