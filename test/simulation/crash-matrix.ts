/** Scenes from the life of a stack, each with a controller that dies at every single step of it. */
import { scopes, type ImageName, type ServiceChoice, type StackChoice } from './catalogue.ts'
import type { SteerVerb } from '../../src/model/steering.ts'
import type { Action, Crash, History } from './history.ts'
import { simulate, type Outcome } from './simulation.ts'

export interface Scene {
  readonly name: string
  readonly actions: readonly Action[]
}

const [scope] = scopes

function service(
  image: ImageName,
  generation: number,
  replicas: number,
  change: Partial<ServiceChoice> = {},
): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation, replicas, ...rollout, drainMs: 500, ...change }
}

function up(choice: StackChoice): Action {
  return { kind: 'up', scope: scope!, choice, afterMs: 0 }
}

function steer(verb: SteerVerb, afterMs: number): Action {
  return { kind: 'steer', scope: scope!, verb, afterMs }
}

const blueGreen: Partial<ServiceChoice> = { strategy: { strategy: 'blueGreen', keepWarmMs: 10_000 } }
const recreate: Partial<ServiceChoice> = { strategy: { strategy: 'recreate' } }

/** Each step is held so long. */
function canary(...holdsMs: readonly number[]): Partial<ServiceChoice> {
  const shares = [0.25, 0.5]
  const steps = holdsMs.map((holdMs, index) => ({ share: shares[index]!, holdMs, requests: 0 }))
  return { strategy: { strategy: 'canary', keepWarmMs: 0, steps } }
}

/** Longer than it takes until somebody steers. */
const longMs = 12_000

export const scenes: readonly Scene[] = [
  { name: 'first up', actions: [up({ web: service('usual', 0, 2) })] },
  {
    name: 'rolling replacement',
    actions: [up({ web: service('usual', 0, 2) }), up({ web: service('usual', 1, 2) })],
  },
  {
    name: 'abort of a bad version',
    actions: [up({ web: service('usual', 0, 2) }), up({ web: service('stillborn', 1, 2) })],
  },
  {
    name: 'a touch, answered by a standby',
    actions: [
      up({ web: service('usual', 0, 2, { standby: 1 }) }),
      { kind: 'touch', pick: 0.4, how: 'exec', afterMs: 4_000 },
    ],
  },
  {
    name: 'all replaced at once',
    actions: [up({ web: service('usual', 0, 2) }), { kind: 'repave', scope: scope!, afterMs: 4_000 }],
  },
  {
    name: 'rollback',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1) }),
      { kind: 'rollback', scope: scope!, afterMs: 0 },
    ],
  },
  {
    name: 'replace',
    actions: [up({ web: service('usual', 0, 2) }), { kind: 'replace', scope: scope!, pick: 0, afterMs: 0 }],
  },
  { name: 'down', actions: [up({ web: service('usual', 0, 2) }), { kind: 'down', scope: scope!, afterMs: 0 }] },
  {
    name: 'scale up and down',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 0, 3) }),
      up({ web: service('quick', 0, 1) }),
    ],
  },
  {
    name: 'two services',
    actions: [
      up({ web: service('usual', 0, 1), worker: service('quick', 0, 1) }),
      up({ web: service('usual', 1, 1), worker: service('quick', 1, 1) }),
    ],
  },
  {
    name: 'change of routes',
    actions: [up({ web: service('usual', 0, 1) }), up({ web: service('usual', 0, 1, { path: '/shop' }) })],
  },
  {
    name: 'flip, and the way back to what is warm',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1, blueGreen) }),
      { kind: 'rollback', scope: scope!, afterMs: 0 },
    ],
  },
  {
    name: 'canary with two steps',
    actions: [up({ web: service('quick', 0, 2) }), up({ web: service('quick', 1, 2, canary(200, 200)) })],
  },
  {
    name: 'recreate',
    actions: [up({ web: service('quick', 0, 1, recreate) }), up({ web: service('quick', 1, 1, recreate) })],
  },
  {
    name: 'one that stands by steps in',
    actions: [
      up({ web: service('quick', 0, 1, { standby: 1 }) }),
      { kind: 'death', pick: 0, outOfMemory: false, afterMs: 3_000 },
    ],
  },
  {
    name: 'pause and resume',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1, canary(longMs)) }),
      steer('pause', 1_500),
      steer('resume', 500),
    ],
  },
  {
    name: 'promote',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1, canary(longMs)) }),
      steer('promote', 1_500),
    ],
  },
  {
    name: 'abort by somebody',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1, canary(longMs)) }),
      steer('abort', 1_500),
    ],
  },
  {
    name: 'two services that go back as one',
    actions: [
      up({ web: service('quick', 0, 1), worker: service('quick', 0, 1) }),
      up({ worker: service('quick', 1, 1), web: service('unrunnable', 1, 1, { dependsOn: ['worker'] }) }),
    ],
  },
  {
    name: 'refuse and lift',
    actions: [
      up({ web: service('quick', 0, 1) }),
      { kind: 'refuse', scope: scope!, service: 'web', what: 'version', afterMs: 0 },
      up({ web: service('quick', 0, 2) }),
      { kind: 'lift', scope: scope!, afterMs: 0 },
      up({ web: service('quick', 0, 2) }),
    ],
  },
  {
    name: 'recall',
    actions: [
      up({ web: service('quick', 0, 1) }),
      up({ web: service('quick', 1, 1) }),
      { kind: 'recall', scope: scope!, service: 'web', what: 'version', afterMs: 0 },
    ],
  },
  {
    name: 'recall of a package',
    actions: [
      up({ web: service('usual', 0, 1), worker: service('usual', 0, 1) }),
      up({ web: service('quick', 0, 1), worker: service('usual', 0, 1) }),
      { kind: 'recall', scope: scope!, service: 'web', what: 'package', afterMs: 0 },
      up({ web: service('quick', 1, 1), worker: service('usual', 0, 1) }),
    ],
  },
]

/** What the scene comes to when nobody dies. */
export function undisturbed({ actions }: Scene): Promise<Outcome> {
  return simulate({ seed: 1, history: historyOf(actions), isAlone: true })
}

/** Every way to die at one of the so many effects and records of a scene. */
export function crashesAt(moments: number): readonly Crash[] {
  const crashes: Crash[] = []
  for (let calls = 1; calls <= moments; calls++)
    for (const when of ['before', 'after'] as const)
      for (const finishing of [true, false]) crashes.push({ kind: 'crash', calls, when, finishing })
  return crashes
}

/** What is wrong in the end when the controller dies so; undefined when all is as if it had lived. */
export async function difference({ actions }: Scene, crash: Crash, ending: string): Promise<string | undefined> {
  const history = historyOf([{ ...crash, afterMs: 0 }, ...actions])
  const outcome = await simulate({ seed: 1, history, isAlone: true })
  if (outcome.violation) return `${outcome.violation.invariant}: ${outcome.violation.message}`
  return outcome.ending === ending ? undefined : `it ends as ${outcome.ending}, and not as ${ending}`
}

function historyOf(actions: readonly Action[]): History {
  return { profile: 'crashes', patient: true, isShort: true, actions }
}
