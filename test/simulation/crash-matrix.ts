/** Scenes from the life of a stack, each with a controller that dies at every single step of it. */
import { scopes, type ImageName, type ServiceChoice, type StackChoice } from './catalogue.ts'
import type { Action, Crash, History } from './history.ts'
import { simulate, type Outcome } from './simulation.ts'

export interface Scene {
  readonly name: string
  readonly actions: readonly Action[]
}

const [scope] = scopes

function service(image: ImageName, generation: number, replicas: number, path?: string): ServiceChoice {
  const rollout = { maxSurge: { kind: 'count', count: 1 }, maxUnavailable: { kind: 'count', count: 0 } } as const
  return { image, generation, replicas, ...rollout, drainMs: 500, ...(path && { path }) }
}

function up(choice: StackChoice): Action {
  return { kind: 'up', scope: scope!, choice, afterMs: 0 }
}

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
    actions: [up({ web: service('usual', 0, 1) }), up({ web: service('usual', 0, 1, '/shop') })],
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
