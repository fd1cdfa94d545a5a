/** The loop that waits for the kernel and for commands, and does nothing while there is neither. */
import type { Sense } from '../../model/touch.ts'
import { isInGroupOf } from '../../system/process-files.ts'
import type { SensedTouch, SensorSubject } from '../sensor.ts'
import { ExecutionWatch } from './execution-watch.ts'
import { FileWatch } from './file-watch.ts'
import type { Libc } from './libc.ts'
import { MemoryWatch } from './memory-watch.ts'
import { MountWatch } from './mount-watch.ts'
import { NamespaceWatch } from './namespace-watch.ts'
import { ProcessBook } from './process-book.ts'
import { ProgramWatch } from './program-watch.ts'
import { Telling } from './telling.ts'
import type { Descriptor, Watch } from './watch.ts'
import { isRunning, lookAt, Places, type Watched } from './watched.ts'

const lookEveryMs = 1_000
const readable = 0x1
const urgent = 0x2
const recordBytes = 8

export interface LoopListeners {
  readonly touched: (sensed: SensedTouch) => void
  readonly failed: (error: unknown) => void
}

export class SensorLoop {
  readonly #libc: Libc
  readonly #listeners: LoopListeners
  readonly #places: Places
  readonly #telling: Telling
  readonly #book: ProcessBook
  readonly #programs: ProgramWatch
  readonly #namespaces: NamespaceWatch
  readonly #executions: ExecutionWatch
  /** In the order in which they are read: who waits for an answer comes first. */
  readonly #watches: readonly Watch[]
  readonly #watched = new Map<string, Watched>()
  #entries = Buffer.alloc(0)
  #descriptors: readonly Descriptor[] = []
  readonly #restingUntilMs = new Map<Descriptor, number>()
  #lookAtMs = 0

  constructor(libc: Libc, listeners: LoopListeners) {
    this.#libc = libc
    this.#listeners = listeners
    this.#places = new Places(libc)
    this.#telling = new Telling(listeners.touched)
    this.#book = new ProcessBook(libc)
    this.#programs = new ProgramWatch(this.#telling)
    this.#namespaces = new NamespaceWatch(this.#book, this.#telling)
    const parts = { libc, book: this.#book, places: this.#places, telling: this.#telling, programs: this.#programs }
    this.#executions = new ExecutionWatch(parts)
    this.#watches = [
      this.#executions,
      this.#book,
      new FileWatch(parts),
      new MemoryWatch(parts),
      new MountWatch(this.#telling),
      this.#programs,
    ]
  }

  senses(): readonly Sense[] {
    return this.#watches.flatMap((watch) => watch.senses())
  }

  /** Those that must not outlive the loop, since executions wait for their answers. */
  descriptors(): readonly number[] {
    return this.#watches.flatMap((watch) => watch.descriptors().map(({ descriptor }) => descriptor))
  }

  follow(subjects: readonly SensorSubject[]): void {
    const wanted = new Map(subjects.map((subject) => [keyOf(subject), subject]))
    for (const [key, watched] of this.#watched) {
      const subject = wanted.get(key)
      if (subject === undefined) this.#unfollow(key, watched)
      else watched.subject = subject
    }
    const added = subjects.filter((subject) => !this.#watched.has(keyOf(subject))).flatMap((one) => lookAt(one) ?? [])
    for (const watched of added) this.#book.follow(watched)
    this.#book.seed(added)
    for (const watched of added) this.#begin(watched)
    if (added.length > 0) this.look(Date.now())
  }

  /** Runs until `isOver`, looking for commands whenever `commands` can be read. */
  run(commands: number, takeCommands: () => void, isOver: () => boolean): void {
    this.#lookAtMs = Date.now() + lookEveryMs
    while (!isOver()) {
      const waitMs = this.#programs.hasWork ? 0 : Math.max(0, this.#lookAtMs - Date.now())
      const ready = this.#wait(commands, waitMs)
      for (const handle of ready.watches) this.#safely(handle)
      this.#safely(() => this.#handlePending())
      if (ready.hasCommands) this.#safely(takeCommands)
      if (this.#programs.hasWork) this.#safely(() => this.#programs.workOn())
      if (Date.now() >= this.#lookAtMs) this.#safely(() => this.look(Date.now()))
    }
  }

  /** At everything that nobody tells of. */
  look(nowMs: number): void {
    this.#lookAtMs = nowMs + lookEveryMs
    const existing = this.#namespaces.lookAtAll(nowMs)
    this.#executions.answer()
    this.#book.tidy(existing, nowMs)
    for (const [pid, watched] of this.#book.living()) this.#programs.look(watched, pid)
    for (const [key, watched] of this.#watched) this.#lookAtGroup(key, watched)
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
  }

  #begin(watched: Watched): void {
    this.#watched.set(keyOf(watched.subject), watched)
    this.#places.add(watched)
    for (const watch of this.#watches) watch.follow(watched)
    this.#namespaces.follow(watched)
    this.#descriptors = []
    this.#executions.answer()
  }

  #unfollow(key: string, watched: Watched): void {
    this.#watched.delete(key)
    for (const watch of this.#watches) watch.unfollow(watched)
    this.#namespaces.unfollow(watched)
    this.#places.remove(watched)
    this.#telling.forget(watched)
    this.#descriptors = []
  }

  #lookAtGroup(key: string, watched: Watched): void {
    const { pid, containerId } = watched.subject
    if (!isRunning(watched)) return this.#unfollow(key, watched)
    if (isInGroupOf(pid, containerId)) return
    const detail = `process ${pid} was moved out of its control groups`
    this.#telling.tell(watched, { kind: 'limits', layer: 'groups', detail })
  }

  #handlePending(): void {
    for (const event of this.#book.takePending()) {
      if (event.kind === 'traced') this.#namespaces.traced(event.pid, event.tracer)
      else if (event.kind === 'executed') this.#executed(event.pid)
      else if (event.kind === 'ended') this.#ended(event.pid)
    }
  }

  #executed(pid: number): void {
    const watched = this.#book.ownerOf(pid)
    if (watched === undefined) return this.#namespaces.executed(pid)
    this.#programs.look(watched, pid)
  }

  #ended(pid: number): void {
    for (const [key, watched] of this.#watched) if (watched.subject.pid === pid) this.#unfollow(key, watched)
  }

  #wait(commands: number, waitMs: number) {
    if (this.#descriptors.length === 0) this.#prepare(commands)
    const count = this.#descriptors.length + 1
    if (this.#libc.poll(this.#entries, count, this.#wakeResting(waitMs)) <= 0)
      return { watches: [], hasCommands: false }
    const ready = this.#descriptors.filter((_descriptor, index) => this.#isReady(index))
    for (const descriptor of ready) this.#rest(descriptor)
    return { watches: ready.map(({ handle }) => handle), hasCommands: this.#isReady(count - 1) }
  }

  #isReady(index: number): boolean {
    return this.#entries.readInt16LE(index * recordBytes + 6) !== 0
  }

  /** The kernel overlooks records whose descriptor is negative. */
  #rest(resting: Descriptor): void {
    if (resting.restMs === undefined) return
    this.#entries.writeInt32LE(-1, this.#descriptors.indexOf(resting) * recordBytes)
    this.#restingUntilMs.set(resting, performance.now() + resting.restMs)
  }

  /** Answers how long may be waited, at most `waitMs`, until the next is to be waked. */
  #wakeResting(waitMs: number): number {
    let least = waitMs
    const nowMs = performance.now()
    for (const [resting, untilMs] of this.#restingUntilMs) {
      if (untilMs > nowMs) {
        least = Math.min(least, untilMs - nowMs)
        continue
      }
      this.#restingUntilMs.delete(resting)
      this.#entries.writeInt32LE(resting.descriptor, this.#descriptors.indexOf(resting) * recordBytes)
    }
    return Math.ceil(least)
  }

  /** `struct pollfd` for each. */
  #prepare(commands: number): void {
    this.#restingUntilMs.clear()
    this.#descriptors = this.#watches.flatMap((watch) => watch.descriptors())
    this.#entries = Buffer.alloc((this.#descriptors.length + 1) * recordBytes)
    for (const [index, { descriptor, waitFor }] of this.#descriptors.entries()) {
      this.#entries.writeInt32LE(descriptor, index * recordBytes)
      this.#entries.writeInt16LE(waitFor === 'readable' ? readable : urgent, index * recordBytes + 4)
    }
    const last = this.#descriptors.length * recordBytes
    this.#entries.writeInt32LE(commands, last)
    this.#entries.writeInt16LE(readable, last + 4)
  }

  #safely(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#listeners.failed(error)
    }
  }
}

function keyOf({ containerId, pid }: SensorSubject): string {
  return `${containerId} ${pid}`
}
