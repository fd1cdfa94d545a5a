/** What must hold in every simulated world at every time; the names are those of the promises that they show. */
import type { MemoryInstance } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import type { Decree, Rollout } from '../decided.ts'
import type { Call } from '../seams.ts'
import type { WorldTruth } from '../fleet-truth.ts'

export const invariantNames = [
  'nothing is altered',
  'named by content',
  'floor',
  'surge',
  'no request lost',
  'touched is dead',
  'nothing grows old',
  'a way back',
  'on the record',
  'told',
  'aborted ends whole',
  'aborted for a cause',
  'refused changes nothing',
  'shares as staged',
  'one version at a time',
  'standby stands by',
  'warm for its time',
  'paused stays',
  'dependencies first',
  'aborts are final',
  'refused never runs',
  'judged by its answers',
  'rehearsed aside',
  'rests between looks',
  'converges',
  'kill anything',
] as const

export type InvariantName = (typeof invariantNames)[number]

export interface Violation {
  readonly invariant: InvariantName
  readonly message: string
}

/** Something that befell instances and that no controller can answer for. */
export type Disturbance =
  | { readonly kind: 'instance'; readonly instance: string }
  /** An instance that is well, and that no probe reaches. */
  | { readonly kind: 'doubt'; readonly instance: string }
  /** The router lost its servers, or the engine all processes. */
  | { readonly kind: 'all' }
  /** The controller can't act, or was killed in the middle of it. */
  | { readonly kind: 'controller' }
  /** What is seen is old, or what is decided takes long to be recorded. */
  | { readonly kind: 'late'; readonly byMs: number; readonly forMs: number }
  /** Something else that costs time. */
  | { readonly kind: 'trouble' }
  /** The wall clock of the controller has jumped. */
  | { readonly kind: 'clock' }

/** Whether instances are other than they were, or look so. */
export function strikesInstances({ kind }: Disturbance): boolean {
  return kind === 'instance' || kind === 'doubt' || kind === 'all'
}

/** Watches a world for one kind of violation. Each part is optional, so that a monitor says what it looks at. */
export interface Monitor {
  onDecision?(decree: Decree, truth: WorldTruth): void
  /** What is on record of a running rollout is other than it was; also when it ends. */
  onRolloutChange?(before: Rollout, after: Rollout, truth: WorldTruth): void
  /** An effect or a record is asked for. */
  onCall?(call: Call, truth: WorldTruth): void
  onCallEnd?(call: Call, outcome: 'done' | 'failed', truth: WorldTruth): void
  onCreated?(instance: MemoryInstance, truth: WorldTruth): void
  onDisturbance?(disturbance: Disturbance, truth: WorldTruth): void
  /** A request was brought to an instance, or to none. */
  onRequest?(pool: string, session: MemorySession | undefined, truth: WorldTruth): void
  /** After every step of the world in which something happened. */
  onStep?(truth: WorldTruth): void
}

export class ViolationError extends Error {
  override readonly name = 'ViolationError'
  readonly violation: Violation

  constructor(invariant: InvariantName, message: string) {
    super(`${invariant}: ${message}`)
    this.violation = { invariant, message }
  }
}
