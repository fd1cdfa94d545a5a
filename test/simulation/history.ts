/** What happens in one simulated world, drawn up beforehand, so that a part of it can be left out. */
import type { Random } from '../../src/system/random.ts'
import type { Quantity, Scope } from '../../src/model/stack.ts'
import { imagesOf, scopes, serviceNames, type ServiceChoice, type ServiceName, type StackChoice } from './catalogue.ts'

/** `error`: nothing happens. `reported`: it happens, and an error is told. `slow`, `hang`: it takes long, and is done or fails. */
export const callFaults = ['error', 'reported', 'slow', 'hang'] as const
export type CallFault = (typeof callFaults)[number]

export const eventFaults = ['lost', 'doubled', 'reordered'] as const
export type EventFault = (typeof eventFaults)[number]

export type DiskFault = 'error' | 'reported'

export type Command =
  | { readonly kind: 'up'; readonly scope: Scope; readonly choice: StackChoice }
  | { readonly kind: 'rollback'; readonly scope: Scope; readonly service?: ServiceName }
  /** `pick`: which of the instances that there are then, as a share. */
  | { readonly kind: 'replace'; readonly scope: Scope; readonly pick: number }
  | { readonly kind: 'down'; readonly scope: Scope }

export interface Crash {
  readonly kind: 'crash'
  /** At the so many-th effect or record from now; 0: at once. */
  readonly calls: number
  readonly when: 'before' | 'after'
  /** Whether what was under way takes effect, though nobody hears of it. */
  readonly finishing: boolean
  readonly restartAfterMs: number
}

export type Mishap =
  | { readonly kind: 'death'; readonly pick: number; readonly outOfMemory: boolean }
  | {
      readonly kind: 'sickness'
      readonly pick: number
      readonly answer: 'unhealthy' | 'silent'
      readonly forMs: number
    }
  | Crash
  | { readonly kind: 'engine-calls' | 'router-calls'; readonly fault: CallFault; readonly calls: number }
  | { readonly kind: 'engine-away' | 'router-away'; readonly forMs: number }
  | { readonly kind: 'engine-restart' | 'router-restart' | 'controller-restart' }
  | { readonly kind: 'events'; readonly fault: EventFault; readonly forMs: number }
  /** Nothing can be recorded; `reported`: it is, and is said not to be. */
  | { readonly kind: 'disk-full'; readonly fault: DiskFault; readonly forMs: number }

export type Action = (Command | Mishap) & { readonly afterMs: number }

/** What a world is allowed to suffer; the fewer, the more can be asked of it. */
export const profiles = {
  calm: [],
  deaths: ['death', 'sickness'],
  crashes: ['crash', 'controller-restart'],
  engine: ['engine-calls', 'engine-away', 'engine-restart', 'death'],
  router: ['router-calls', 'router-away', 'router-restart'],
  events: ['events', 'death', 'sickness'],
  disk: ['disk-full', 'death', 'crash'],
  everything: [
    'death',
    'sickness',
    'crash',
    'controller-restart',
    'engine-calls',
    'engine-away',
    'engine-restart',
    'router-calls',
    'router-away',
    'router-restart',
    'events',
    'disk-full',
  ],
} as const satisfies Record<string, readonly Mishap['kind'][]>

export type Profile = keyof typeof profiles

export interface History {
  readonly profile: Profile
  /** Whether each command waits until all before it is done, so that crashes are the only thing left to chance. */
  readonly patient: boolean
  readonly actions: readonly Action[]
}

export function drawHistory(random: Random, steps: number): History {
  const profile = drawProfile(random)
  const mishaps = profiles[profile]
  const actions = Array.from({ length: steps }, (_, index): Action => {
    const isCommand = index === 0 || mishaps.length === 0 || random.next() < 0.5
    return {
      ...(isCommand ? drawCommand(random, index) : drawMishap(random, random.pick(mishaps))),
      afterMs: drawPause(random),
    }
  })
  return { profile, patient: profile === 'crashes' && random.next() < 0.5, actions }
}

function drawProfile(random: Random): Profile {
  return random.pick([...(Object.keys(profiles) as Profile[]), 'crashes', 'everything'])
}

/** Often no time at all, often in the middle of what the action before set off, at times long after. */
function drawPause(random: Random): number {
  return random.pick([0, random.integer(300), random.integer(2_000), random.integer(6_000), random.integer(25_000)])
}

function drawCommand(random: Random, index: number): Command {
  const scope = random.next() < 0.8 ? scopes[0]! : random.pick(scopes)
  const lot = index === 0 ? 0 : random.next()
  if (lot < 0.62) return { kind: 'up', scope, choice: drawStack(random) }
  if (lot < 0.78) return { kind: 'rollback', scope, ...(random.next() < 0.5 && { service: random.pick(serviceNames) }) }
  if (lot < 0.92) return { kind: 'replace', scope, pick: random.next() }
  return { kind: 'down', scope }
}

function drawStack(random: Random): StackChoice {
  const others = serviceNames.filter((name) => name !== 'web' && random.next() < 0.3)
  const names: readonly ServiceName[] = random.next() < 0.95 || others.length === 0 ? ['web', ...others] : others
  return Object.fromEntries(names.map((name) => [name, drawService(random)]))
}

/** A release that comes up for certain. */
export function drawFinale(random: Random): StackChoice {
  return { web: { ...drawService(random, 'good'), generation: 9 } }
}

function drawQuality(random: Random): 'good' | 'bad' | 'doubtful' {
  const lot = random.next()
  return lot < 0.7 ? 'good' : lot < 0.9 ? 'bad' : 'doubtful'
}

function drawService(random: Random, quality = drawQuality(random)): ServiceChoice {
  const maxSurge = random.pick([one, one, two, none, quarter, all])
  return {
    image: random.pick(imagesOf(quality)),
    generation: random.integer(3),
    replicas: random.pick([0, 1, 1, 2, 2, 3, 3, 4, 6]),
    maxSurge,
    maxUnavailable: maxSurge === none ? one : random.pick([none, none, one, quarter]),
    drainMs: random.pick([500, 2_000, 5_000]),
  }
}

const none: Quantity = { kind: 'count', count: 0 }
const one: Quantity = { kind: 'count', count: 1 }
const two: Quantity = { kind: 'count', count: 2 }
const quarter: Quantity = { kind: 'share', share: 0.25 }
const all: Quantity = { kind: 'share', share: 1 }

function drawMishap(random: Random, kind: Mishap['kind']): Mishap {
  switch (kind) {
    case 'death':
      return { kind, pick: random.next(), outOfMemory: random.next() < 0.2 }
    case 'sickness':
      return {
        kind,
        pick: random.next(),
        answer: random.pick(['unhealthy', 'silent']),
        forMs: 500 + random.integer(10_000),
      }
    case 'crash':
      return {
        kind,
        calls: random.pick([0, 1, 1, 2, 3, 1 + random.integer(12)]),
        when: random.pick(['before', 'after']),
        finishing: random.next() < 0.5,
        restartAfterMs: random.pick([0, 100, random.integer(2_000), random.integer(15_000)]),
      }
    case 'engine-calls':
    case 'router-calls':
      return { kind, fault: random.pick(callFaults), calls: 1 + random.integer(4) }
    case 'engine-away':
    case 'router-away':
      return { kind, forMs: 200 + random.integer(8_000) }
    case 'engine-restart':
    case 'router-restart':
    case 'controller-restart':
      return { kind }
    case 'disk-full':
      return { kind, fault: random.pick(['error', 'error', 'reported']), forMs: 200 + random.integer(12_000) }
    case 'events':
      return { kind, fault: random.pick(eventFaults), forMs: 1_000 + random.integer(15_000) }
  }
}
