/** Histories that broke a promise once faults of the store, of clocks and of recoveries were injected. */
import type { Scope } from '../../src/model/stack.ts'
import type { ImageName, ServiceChoice } from './catalogue.ts'
import type { Regression } from './regressions.ts'

const live: Scope = { stack: 'shop', environment: 'live' }
const dayMs = 86_400_000

function service(image: ImageName, replicas: number, change: Partial<ServiceChoice> = {}): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation: 0, replicas, ...rollout, drainMs: 500, ...change }
}

export const faultRegressions: readonly Regression[] = [
  {
    name: 'a wall clock that jumps forwards ends no rollout',
    seed: 32,
    history: {
      profile: 'clock',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('slow', 1) }, afterMs: 4_000 },
        { kind: 'clock-jump', byMs: dayMs, afterMs: 300 },
      ],
    },
  },
  {
    name: 'a wall clock that jumps backwards delays no further attempt',
    seed: 55,
    history: {
      profile: 'clock',
      patient: false,
      actions: [
        { kind: 'starts', calls: 3, afterMs: 0 },
        { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 4_000 },
        { kind: 'clock-jump', byMs: -dayMs, afterMs: 100 },
      ],
    },
  },
  {
    name: 'what is told to end says nothing of its version when that is wanted again',
    seed: 680,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('stubborn', 2, {
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: { kind: 'share', share: 0.25 },
            }),
            worker: service('quick', 6, {
              maxSurge: { kind: 'count', count: 2 },
              maxUnavailable: { kind: 'share', share: 0.25 },
            }),
          },
          afterMs: 1_119,
        },
        {
          kind: 'crash',
          calls: 3,
          when: 'after',
          finishing: true,
          meanwhile: { kind: 'rollback', scope: live },
          afterMs: 2_021,
        },
        { kind: 'down', scope: live, afterMs: 21_404 },
        { kind: 'disk-slow', byMs: 2_061, forMs: 11_070, afterMs: 410 },
      ],
    },
  },
  {
    name: 'an instance that a stranger removes while it starts does not speak against its version',
    seed: 21348,
    history: {
      profile: 'everything',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('slow', 3) }, afterMs: 0 },
        { kind: 'controller-restart', afterMs: 356 },
        { kind: 'removal', pick: 0.94, afterMs: 500 },
      ],
    },
  },
  {
    name: 'a record that can not be written does not speak against a version',
    seed: 1,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('slow', 3) }, afterMs: 0 },
        { kind: 'disk-fails', fault: 'broken', forMs: 1_000, afterMs: 3 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 20_000 },
      ],
    },
  },
  {
    name: 'what ran without a route when its controller died in the middle of a rollout keeps the floor of the next one',
    seed: 3432,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { worker: service('usual', 2) }, afterMs: 0 },
        { kind: 'disk-slow', byMs: 2_104, forMs: 13_949, afterMs: 238 },
        {
          kind: 'crash',
          calls: 1,
          when: 'before',
          finishing: false,
          meanwhile: {
            kind: 'up',
            scope: live,
            choice: { worker: service('stillborn', 3, { maxUnavailable: { kind: 'count', count: 1 } }) },
          },
          afterMs: 3_100,
        },
        { kind: 'replace', scope: live, pick: 0, afterMs: 170 },
      ],
    },
  },
  {
    name: 'a decision whose outcome can not be read was not refused',
    seed: 8,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        { kind: 'disk-slow', byMs: 516, forMs: 8_078, afterMs: 25_849 },
        {
          kind: 'up',
          scope: live,
          choice: {
            web: service('unrunnable', 3, {
              maxSurge: { kind: 'share', share: 0.25 },
              maxUnavailable: { kind: 'share', share: 0.25 },
              drainMs: 5_000,
            }),
          },
          afterMs: 243,
        },
        { kind: 'store-reads', calls: 2, afterMs: 5_952 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 20_000 },
      ],
    },
  },
  {
    name: 'a decision that is recorded and said not to be is not refused because it can not be read',
    seed: 2344,
    history: {
      profile: 'disk',
      patient: false,
      actions: [
        { kind: 'up', scope: live, choice: { web: service('quick', 2) }, afterMs: 0 },
        { kind: 'store-reads', calls: 2, afterMs: 5_000 },
        { kind: 'disk-fails', fault: 'reported', forMs: 4_455, afterMs: 500 },
        { kind: 'up', scope: live, choice: { web: service('usual', 1) }, afterMs: 300 },
        { kind: 'replace', scope: live, pick: 0, afterMs: 20_000 },
      ],
    },
  },
]
