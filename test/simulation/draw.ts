/** Draws up histories: the same one for the same seed. */
import type { Random } from '../../src/system/random.ts'
import type { Quantity } from '../../src/model/stack.ts'
import { imagesOf, scopes, serviceNames, type ServiceChoice, type ServiceName, type StackChoice } from './catalogue.ts'
import { drawMishap } from './draw-mishap.ts'
import { profiles, type Action, type Command, type History, type Profile } from './history.ts'

export function drawHistory(random: Random, steps: number): History {
  const profile = drawProfile(random)
  const patient = profile === 'crashes' && random.next() < 0.5
  const actions = Array.from({ length: steps }, (_, index): Action => {
    const afterMs = drawPause(random)
    return { ...drawAction(random, index, profile, patient), afterMs }
  })
  return { profile, patient, actions }
}

function drawAction(random: Random, index: number, profile: Profile, patient: boolean) {
  const mishaps = profiles[profile]
  if (index === 0 || mishaps.length === 0 || random.next() < 0.5) return drawCommand(random, index)
  const mishap = drawMishap(random, random.pick(mishaps))
  const isCrash = mishap.kind === 'crash' || mishap.kind === 'crash-in-recovery'
  if (!isCrash || patient || random.next() < 0.7) return mishap
  return { ...mishap, meanwhile: drawCommand(random, index) }
}

function drawProfile(random: Random): Profile {
  return random.pick([...(Object.keys(profiles) as Profile[]), 'crashes', 'crashes', 'everything', 'everything'])
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
