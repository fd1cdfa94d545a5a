/** All the monitors of a world, as one. */
import type { MemoryInstance, MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import type { Scope } from '../../../src/model/stack.ts'
import type { Decided, Decree, Rollout } from '../decided.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import type { Command } from '../history.ts'
import type { Answer } from '../people.ts'
import type { Call } from '../seams.ts'
import { AgeMonitor } from './age-monitor.ts'
import { AbortMonitor } from './abort-monitor.ts'
import { CauseMonitor } from './cause-monitor.ts'
import { ContentMonitor } from './content-monitor.ts'
import { FloorMonitor } from './floor-monitor.ts'
import { ViolationError, type Disturbance, type InvariantName, type Monitor } from './invariant.ts'
import { MandateMonitor } from './mandate-monitor.ts'
import { Past } from './past.ts'
import { RecordMonitor } from './record-monitor.ts'
import { judgeRefusal } from './refusal.ts'
import { OverlapMonitor } from './overlap-monitor.ts'
import { PauseMonitor } from './pause-monitor.ts'
import { RehearsalMonitor } from './rehearsal-monitor.ts'
import { RestMonitor } from './rest-monitor.ts'
import { StageMonitor } from './stage-monitor.ts'
import { StandbyMonitor } from './standby-monitor.ts'
import { TaintMonitor } from './taint-monitor.ts'
import { VerdictMonitor } from './verdict-monitor.ts'
import { WantMonitor } from './want-monitor.ts'
import { WarmMonitor } from './warm-monitor.ts'
import { SurgeMonitor } from './surge-monitor.ts'
import { TrafficMonitor } from './traffic-monitor.ts'

export class Monitors {
  readonly #past = new Past()
  readonly #abort: AbortMonitor
  readonly #mandate = new MandateMonitor()
  readonly #traffic: TrafficMonitor
  readonly #rest = new RestMonitor()
  readonly #all: readonly Monitor[]
  readonly #isHeeded: (invariant: InvariantName) => boolean

  /** `isHeeded`: whether a breach of that promise is to be told. */
  constructor(machine: MemoryMachine, decided: Decided, isHeeded: (invariant: InvariantName) => boolean) {
    this.#isHeeded = isHeeded
    this.#abort = new AbortMonitor(this.#past, decided)
    this.#traffic = new TrafficMonitor(machine, this.#past)
    this.#all = [
      new ContentMonitor(),
      new FloorMonitor(this.#past),
      new SurgeMonitor(this.#past),
      this.#abort,
      this.#traffic,
      this.#mandate,
      new RecordMonitor(),
      new CauseMonitor(decided),
      new StageMonitor(machine, this.#past),
      new OverlapMonitor(this.#past),
      new StandbyMonitor(this.#past),
      new WarmMonitor(this.#past, decided),
      new PauseMonitor(this.#past),
      new WantMonitor(this.#past, decided),
      new VerdictMonitor(),
      new RehearsalMonitor(this.#past, decided),
      new TaintMonitor(machine, this.#past),
      new AgeMonitor(this.#past),
    ]
  }

  /** What must not run is other than it was. */
  onRefusal(scope: Scope, nowMs: number): void {
    this.#past.change(scope, nowMs)
  }

  onEscalation(scope: Scope): void {
    this.#mandate.onEscalation(scope)
  }

  /** All of a scope are to be replaced. */
  onRepave(scope: Scope, nowMs: number): void {
    this.#past.repave(scope, nowMs)
  }

  condemn(instance: string): void {
    this.#past.condemn(instance)
    this.#abort.condemn(instance)
  }

  onAsk(scope: string): void {
    this.#mandate.onAsk(scope)
  }

  onAnswer(command: Command, answer: Answer, decisions: number): void {
    judgeRefusal(command, answer, decisions)
  }

  onRequest(pool: string, session: MemorySession | undefined, truth: WorldTruth): void {
    this.#each((monitor) => monitor.onRequest?.(pool, session, truth))
  }

  onEnd(session: MemorySession): void {
    this.#traffic.onEnd(session)
  }

  onDecision(decree: Decree, truth: WorldTruth): void {
    this.#past.change(decree.release, truth.nowMs)
    this.#each((monitor) => monitor.onDecision?.(decree, truth))
  }

  onRolloutChange(before: Rollout, after: Rollout, truth: WorldTruth): void {
    this.#past.change(after.record, truth.nowMs)
    this.#each((monitor) => monitor.onRolloutChange?.(before, after, truth))
  }

  /** A look at all that the engine has. */
  onLook(nowMs: number): void {
    this.#rest.onLook(nowMs)
  }

  onCall(call: Call, truth: WorldTruth): void {
    this.#each((monitor) => monitor.onCall?.(call, truth))
    this.#noteLetGo(call, truth)
  }

  /** Also what is only meant yet: on a slow disk, another decision may come before it. */
  #noteLetGo({ verb, subject, entry }: Call, { nowMs }: WorldTruth): void {
    if (verb === 'remove' || verb === 'destroy') this.#past.letGo(subject, nowMs)
    if (entry?.instance && (entry.kind === 'unroute.intent' || entry.kind === 'destroy.intent'))
      this.#past.letGo(entry.instance, nowMs)
  }

  onCallEnd(call: Call, outcome: 'done' | 'failed', truth: WorldTruth): void {
    this.#each((monitor) => monitor.onCallEnd?.(call, outcome, truth))
  }

  onCreated(instance: MemoryInstance, truth: WorldTruth): void {
    this.#past.note(truth)
    this.#each((monitor) => monitor.onCreated?.(instance, truth))
  }

  onDisturbance(disturbance: Disturbance, truth: WorldTruth): void {
    this.#past.suffer(disturbance, truth)
    this.#each((monitor) => monitor.onDisturbance?.(disturbance, truth))
  }

  onStep(truth: WorldTruth): void {
    this.#past.note(truth)
    this.#each((monitor) => monitor.onStep?.(truth))
  }

  /** What goes unheeded keeps no other monitor from looking. */
  #each(look: (monitor: Monitor) => void): void {
    for (const monitor of this.#all)
      try {
        look(monitor)
      } catch (error) {
        if (!(error instanceof ViolationError) || this.#isHeeded(error.violation.invariant)) throw error
      }
  }
}
