/** All the monitors of a world, as one. */
import type { MemoryInstance, MemoryMachine } from '../../../src/engine/memory/memory-machine.ts'
import type { MemorySession } from '../../../src/router/memory/memory-proxy.ts'
import type { ReleaseRecord } from '../../../src/store/store.ts'
import type { WorldTruth } from '../fleet-truth.ts'
import type { Command } from '../history.ts'
import type { Answer } from '../people.ts'
import type { Call } from '../seams.ts'
import { AbortMonitor } from './abort-monitor.ts'
import { ContentMonitor } from './content-monitor.ts'
import { FloorMonitor } from './floor-monitor.ts'
import type { Disturbance, Monitor } from './invariant.ts'
import { Past } from './past.ts'
import { judgeRefusal } from './refusal.ts'
import { SurgeMonitor } from './surge-monitor.ts'
import { TrafficMonitor } from './traffic-monitor.ts'

export class Monitors {
  readonly #past = new Past()
  readonly #abort = new AbortMonitor(this.#past)
  readonly #traffic: TrafficMonitor
  readonly #all: readonly Monitor[]

  constructor(machine: MemoryMachine) {
    this.#traffic = new TrafficMonitor(machine, this.#past)
    this.#all = [
      new ContentMonitor(),
      new FloorMonitor(this.#past),
      new SurgeMonitor(this.#past),
      this.#abort,
      this.#traffic,
    ]
  }

  condemn(instance: string): void {
    this.#abort.condemn(instance)
  }

  onAnswer(command: Command, answer: Answer, decisions: number): void {
    judgeRefusal(command, answer, decisions)
  }

  onRequest(pool: string, session: MemorySession | undefined, truth: WorldTruth): void {
    this.#traffic.onRequest(pool, session, truth)
  }

  onEnd(session: MemorySession): void {
    this.#traffic.onEnd(session)
  }

  onDecision(record: ReleaseRecord, truth: WorldTruth): void {
    for (const monitor of this.#all) monitor.onDecision?.(record, truth)
  }

  onCall(call: Call, truth: WorldTruth): void {
    for (const monitor of this.#all) monitor.onCall?.(call, truth)
  }

  onCreated(instance: MemoryInstance, truth: WorldTruth): void {
    this.#past.note(truth)
    for (const monitor of this.#all) monitor.onCreated?.(instance, truth)
  }

  onDisturbance(disturbance: Disturbance, truth: WorldTruth): void {
    for (const monitor of this.#all) monitor.onDisturbance?.(disturbance, truth)
  }

  onStep(truth: WorldTruth): void {
    this.#past.note(truth)
    for (const monitor of this.#all) monitor.onStep?.(truth)
  }
}
