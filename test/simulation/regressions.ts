/**
 * Histories that once broke a promise, as short as they could be made (`npm run simulate -- --seed S --shrink`): kept as
 * data, since a seed means another history as soon as histories are drawn otherwise.
 */
import type { Scope } from '../../src/model/stack.ts'
import type { ServiceChoice } from './catalogue.ts'
import type { History } from './history.ts'

export interface Regression {
  readonly name: string
  readonly seed: number
  readonly history: History
}

const live: Scope = { stack: 'shop', environment: 'live' }
const quick: ServiceChoice = {
  image: 'quick',
  generation: 0,
  replicas: 1,
  maxSurge: { kind: 'count', count: 1 },
  maxUnavailable: { kind: 'count', count: 0 },
  drainMs: 500,
}

export const regressions: readonly Regression[] = [
  {
    name: 'an environment that is down is not reserved for',
    seed: 2,
    history: {
      profile: 'everything',
      patient: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'stubborn',
              generation: 2,
              replicas: 1,
              maxSurge: { kind: 'count', count: 1 },
              maxUnavailable: { kind: 'share', share: 0.25 },
              drainMs: 5000,
            },
          },
          afterMs: 11312,
        },
        { kind: 'sickness', pick: 0.9204357345089579, answer: 'silent', forMs: 5879, afterMs: 33646 },
      ],
    },
  },
  {
    name: 'instances that end on purpose are no crash loop',
    seed: 150,
    history: {
      profile: 'engine',
      patient: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'flaky',
              generation: 1,
              replicas: 6,
              maxSurge: { kind: 'count', count: 0 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 500,
            },
          },
          afterMs: 12460,
        },
      ],
    },
  },
  {
    name: 'a new controller does not destroy what served without a route',
    seed: 344,
    history: {
      profile: 'everything',
      patient: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'stillborn',
              generation: 1,
              replicas: 3,
              maxSurge: { kind: 'count', count: 0 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 5000,
            },
            api: {
              image: 'stillborn',
              generation: 2,
              replicas: 2,
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 500,
            },
            worker: {
              image: 'quick',
              generation: 1,
              replicas: 1,
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: { kind: 'count', count: 0 },
              drainMs: 500,
            },
          },
          afterMs: 21854,
        },
        { kind: 'controller-restart', afterMs: 4798 },
        { kind: 'replace', scope: live, pick: 0.8253104727240654, afterMs: 27 },
      ],
    },
  },
  {
    name: 'a controller that is told to stop destroys nothing more',
    seed: 980,
    history: {
      profile: 'crashes',
      patient: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'stillborn',
              generation: 0,
              replicas: 0,
              maxSurge: { kind: 'count', count: 0 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 5000,
            },
            worker: {
              image: 'quick',
              generation: 0,
              replicas: 1,
              maxSurge: { kind: 'share', share: 0.25 },
              maxUnavailable: { kind: 'count', count: 1 },
              drainMs: 500,
            },
          },
          afterMs: 0,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'slow',
              generation: 2,
              replicas: 3,
              maxSurge: { kind: 'count', count: 1 },
              maxUnavailable: { kind: 'count', count: 0 },
              drainMs: 500,
            },
            worker: {
              image: 'never',
              generation: 1,
              replicas: 2,
              maxSurge: { kind: 'share', share: 1 },
              maxUnavailable: { kind: 'count', count: 0 },
              drainMs: 500,
            },
          },
          afterMs: 24955,
        },
        { kind: 'controller-restart', afterMs: 0 },
      ],
    },
  },
  {
    name: 'nothing starts on an address at which the router still serves another service',
    seed: 1,
    history: {
      profile: 'everything',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: quick }, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: quick, api: quick }, afterMs: 5_000 },
        { kind: 'router-calls', fault: 'hang', calls: 4, afterMs: 5_000 },
        { kind: 'engine-restart', afterMs: 0 },
        { kind: 'controller-restart', afterMs: 20_000 },
      ],
    },
  },
  {
    name: 'an instance that a dead controller told to end does not come back',
    seed: 204835,
    history: {
      profile: 'crashes',
      patient: true,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'stubborn',
              generation: 0,
              replicas: 4,
              maxSurge: {
                kind: 'share',
                share: 1,
              },
              maxUnavailable: {
                kind: 'share',
                share: 0.25,
              },
              drainMs: 5000,
            },
            api: {
              image: 'stubborn',
              generation: 0,
              replicas: 2,
              maxSurge: {
                kind: 'share',
                share: 0.25,
              },
              maxUnavailable: {
                kind: 'count',
                count: 0,
              },
              drainMs: 500,
            },
          },
          afterMs: 35029,
        },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: {
              image: 'unrunnable',
              generation: 0,
              replicas: 4,
              maxSurge: {
                kind: 'count',
                count: 1,
              },
              maxUnavailable: {
                kind: 'count',
                count: 1,
              },
              drainMs: 500,
            },
            api: {
              image: 'quick',
              generation: 1,
              replicas: 2,
              maxSurge: {
                kind: 'count',
                count: 1,
              },
              maxUnavailable: {
                kind: 'count',
                count: 0,
              },
              drainMs: 5000,
            },
          },
          afterMs: 54,
        },
        {
          kind: 'controller-restart',
          afterMs: 172,
        },
        {
          kind: 'controller-restart',
          afterMs: 26,
        },
      ],
    },
  },
]
