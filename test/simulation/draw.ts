/** Draws up histories: the same one for the same seed. */
import type { Random } from '../../src/system/random.ts'
import type { CanaryStep, Quantity, Scope, VerdictPolicy } from '../../src/model/stack.ts'
import { steerVerbs } from '../../src/model/steering.ts'
import {
  imagesOf,
  scopes,
  serviceNames,
  type ServiceChoice,
  type ServiceName,
  type StackChoice,
  type StrategyChoice,
} from './catalogue.ts'
import { drawMishap } from './draw-mishap.ts'
import { isCommand, profiles, type Action, type Command, type History, type Profile } from './history.ts'

export function drawHistory(random: Random, steps: number): History {
  const profile = drawProfile(random)
  const patient = profile === 'crashes' && random.next() < 0.5
  const isShort = random.next() < 0.7
  const actions = Array.from({ length: steps }, (_, index): Action => {
    const afterMs = drawPause(random)
    return { ...drawAction(random, index, profile, patient), afterMs }
  })
  return { profile, patient, isShort, actions: actions.map(withResumption) }
}

/** Who has paused a rollout may go on with it, whatever else was meant for it. */
function withResumption(action: Action, index: number, actions: readonly Action[]): Action {
  const before = actions[index - 1]
  if (!isCommand(action) || before?.kind !== 'steer' || before.verb !== 'pause') return action
  return { kind: 'steer', scope: before.scope, verb: 'resume', afterMs: action.afterMs }
}

function drawAction(random: Random, index: number, profile: Profile, patient: boolean) {
  const mishaps = profiles[profile]
  if (index === 0 || mishaps.length === 0 || random.next() < 0.5) return drawCommand(random, index, patient)
  const mishap = drawMishap(random, random.pick(mishaps))
  const isCrash = mishap.kind === 'crash' || mishap.kind === 'crash-in-recovery'
  if (!isCrash || patient || random.next() < 0.7) return mishap
  return { ...mishap, meanwhile: drawCommand(random, index, patient) }
}

function drawProfile(random: Random): Profile {
  return random.pick([...(Object.keys(profiles) as Profile[]), 'crashes', 'crashes', 'everything', 'everything'])
}

/** Often no time at all, often in the middle of what the action before set off, at times long after. */
function drawPause(random: Random): number {
  // Long enough for what grows old.
  if (random.next() < 0.01) return 100_000 + random.integer(200_000)
  const longest = random.pick([1, 1, 300, 300, 2_000, 2_000, 6_000, 25_000])
  return random.integer(longest)
}

function drawCommand(random: Random, index: number, patient: boolean): Command {
  const scope = random.next() < 0.8 ? scopes[0]! : random.pick(scopes)
  const lot = index === 0 ? 0 : random.next()
  // Who waits until all has come to rest finds no rollout to steer.
  if (lot < 0.48 || (patient && lot < 0.63)) return drawUp(random, scope)
  if (lot < 0.63) return { kind: 'steer', scope, verb: random.pick(steerVerbs), ...drawName(random, 0.3) }
  if (lot < 0.75) return { kind: 'rollback', scope, ...drawName(random, 0.5) }
  if (lot < 0.85) return { kind: 'replace', scope, pick: random.next() }
  if (lot < 0.91) return drawRefusal(random, scope)
  if (lot < 0.945) return { kind: random.pick(['repave', 'acknowledge']), scope }
  return { kind: 'down', scope }
}

function drawRefusal(random: Random, scope: Scope): Command {
  const kind = random.pick(['refuse', 'recall', 'lift'] as const)
  if (kind === 'lift') return { kind, scope }
  return {
    kind,
    scope,
    service: random.pick(serviceNames),
    what: random.pick(['version', 'version', 'image', 'package']),
  }
}

function drawName(random: Random, chance: number): { readonly service?: ServiceName } {
  return random.next() < chance ? { service: random.pick(serviceNames) } : {}
}

function drawUp(random: Random, scope: Scope): Command {
  return { kind: 'up', scope, choice: drawStack(random), ...(random.next() < 0.25 && { rollback: 'service' }) }
}

function drawStack(random: Random): StackChoice {
  const others = serviceNames.filter((name) => name !== 'web' && random.next() < 0.3)
  const names: readonly ServiceName[] = random.next() < 0.95 || others.length === 0 ? ['web', ...others] : others
  const order = random.next() < 0.5 ? names : names.toReversed()
  return Object.fromEntries(
    order.map((name, index) => [name, { ...drawService(random, name), ...drawOrder(random, order.slice(0, index)) }]),
  )
}

function drawOrder(random: Random, earlier: readonly ServiceName[]): Pick<ServiceChoice, 'dependsOn'> {
  return earlier.length > 0 && random.next() < 0.5 ? { dependsOn: [random.pick(earlier)] } : {}
}

/** A release that comes up for certain. */
export function drawFinale(random: Random): StackChoice {
  const {
    rehearsalMs: _rehearsal,
    lifetimeMs: _lifetime,
    escalation: _escalation,
    ...service
  } = drawService(random, 'web', 'good')
  return { web: { ...service, generation: 9 } }
}

function drawQuality(random: Random): 'good' | 'bad' | 'doubtful' | 'rude' {
  const lot = random.next()
  return lot < 0.68 ? 'good' : lot < 0.84 ? 'bad' : lot < 0.92 ? 'doubtful' : 'rude'
}

function drawService(random: Random, name: ServiceName, quality = drawQuality(random)): ServiceChoice {
  const maxSurge = random.pick([one, one, two, none, quarter, all])
  return {
    image: random.pick(imagesOf(quality)),
    generation: random.integer(3),
    replicas: random.pick([0, 1, 1, 2, 2, 3, 3, 4, 6]),
    maxSurge,
    maxUnavailable: maxSurge === none ? one : random.pick([none, none, one, quarter]),
    drainMs: random.pick([500, 2_000, 5_000]),
    ...(name === 'worker' ? drawUnrouted(random) : drawRouted(random)),
    ...(random.next() < 0.15 && { rehearsalMs: 1_000 + random.integer(5_000) }),
    ...(random.next() < 0.2 && { lifetimeMs: 60_000 + random.integer(120_000) }),
    ...(random.next() < 0.4 && { escalation: random.pick(['rollback', 'tighten']) }),
  }
}

/** Without a route there is no traffic to move or to judge by, and no rotation to step into. */
function drawUnrouted(random: Random): Pick<ServiceChoice, 'strategy'> {
  return random.next() < 0.2 ? { strategy: { strategy: 'recreate' } } : {}
}

function drawRouted(random: Random): Pick<ServiceChoice, 'strategy' | 'standby' | 'verdict'> {
  const strategy = drawStrategy(random)
  return {
    ...(strategy && { strategy }),
    ...(strategy?.strategy !== 'recreate' && random.next() < 0.3 && { standby: random.pick([1, 1, 2]) }),
    ...(random.next() < 0.4 && { verdict: drawVerdict(random) }),
  }
}

function drawStrategy(random: Random): StrategyChoice | undefined {
  const keepWarmMs = random.pick([0, 3_000, 10_000])
  const lot = random.next()
  if (lot < 0.36) return undefined
  if (lot < 0.48) return { strategy: 'recreate' }
  if (lot < 0.74) return { strategy: 'blueGreen', keepWarmMs }
  const shares = random.pick([[0.05], [0.25], [0.5], [0.1, 0.5]])
  return { strategy: 'canary', keepWarmMs, steps: shares.map((share) => drawStep(random, share)) }
}

function drawStep(random: Random, share: number): CanaryStep {
  const holdMs = random.next() < 0.05 ? 18_000 : 200 + random.integer(2_500)
  return { share, holdMs, requests: random.pick([0, 0, 1, 3]) }
}

function drawVerdict(random: Random): VerdictPolicy {
  const latency = { percentile: 50, tolerance: 1.2 }
  return {
    windowMs: random.pick([0, 1_000, 3_000]),
    requests: random.pick([0, 5, 20, 20]),
    errors: random.next() < 0.9,
    ...(random.next() < 0.3 && { latency }),
  }
}

const none: Quantity = { kind: 'count', count: 0 }
const one: Quantity = { kind: 'count', count: 1 }
const two: Quantity = { kind: 'count', count: 2 }
const quarter: Quantity = { kind: 'share', share: 0.25 }
const all: Quantity = { kind: 'share', share: 1 }
