/**
 * Knows for each instance which processes are its own, from the kernel's process connector.
 *
 * A message about a fork is queued before the child runs, so that who has read an event of a process and reads the
 * connector then knows of its birth. Where messages were lost, or there is no connector, the parents in /proc are asked
 * instead; of what has ended by then nothing can be said, and what is doubtful is not told.
 */
import type { Sense } from '../../model/touch.ts'
import { isInGroupOf, isLive, processState } from '../../system/process-files.ts'
import { unseen } from '../no-sensor.ts'
import type { Libc } from './libc.ts'
import { OwnProcesses } from './own-processes.ts'
import { connectorAddress, listenRequest, readProcessEvent, type ProcessEvent } from './process-events.ts'
import { descendants, descends } from './process-table.ts'
import { sense, type Descriptor, type Failure, type Watch } from './watch.ts'
import type { Watched } from './watched.ts'

type Standing = 'own' | 'foreign' | 'doubtful'

const connectorProtocol = 11
const receiveBufferBytes = 32 * 1024 * 1024
/** About as short as programs run, so that one that enters a namespace is looked at while it is there. */
const restMs = 2
/** It answers at once; on a machine that is overloaded, behind all that begins and ends there. */
const answerWithinMs = 2_000
/** What ended so long ago has no events left that are not read. */
const rememberedMs = 5_000
const doubtfulMs = 2_000
/** More wait for nobody: a look at all processes finds what is left of them. */
const pendingMost = 20_000

export class ProcessBook implements Watch {
  readonly #libc: Libc
  readonly #own = new OwnProcesses<Watched>()
  readonly #watched = new Map<number, Watched>()
  readonly #message = Buffer.alloc(4096)
  readonly #failure: Failure | undefined
  readonly #socket: number
  /** Processes that may run what they are about to run; they leave when they have, or have ended. */
  readonly underWay = new Set<number>()
  #pending: ProcessEvent[] = []
  #doubtfulUntilMs = 0

  constructor(libc: Libc) {
    this.#libc = libc
    this.#socket = libc.netlinkSocket(connectorProtocol, receiveBufferBytes)
    this.#failure = this.#listen()
    if (this.#failure !== undefined && this.#socket >= 0) libc.close(this.#socket)
  }

  get works(): boolean {
    return this.#failure === undefined
  }

  senses(): readonly Sense[] {
    return [
      sense(
        'processes',
        this.#failure,
        'processes that enter namespaces are seen when they run a program, else within a second; tracers at once',
        `${unseen.processes}, but for those that stay for a second; nor are writers that have ended`,
      ),
    ]
  }

  descriptors(): readonly Descriptor[] {
    if (!this.works) return []
    return [{ descriptor: this.#socket, waitFor: 'readable', handle: () => this.catchUp(), restMs }]
  }

  follow(watched: Watched): void {
    this.#watched.set(watched.subject.pid, watched)
  }

  unfollow(watched: Watched): void {
    this.#watched.delete(watched.subject.pid)
    this.#own.forget(watched)
  }

  /** Once for all that begin to be watched. Takes those that descend from an instance's first process, and are in its control group, for its own. */
  seed(instances: readonly Watched[]): void {
    const firsts = instances.flatMap(({ subject }) => [
      subject.pid,
      ...(subject.sandboxPid ? [subject.sandboxPid] : []),
    ])
    const below = descendants(firsts)
    for (const watched of instances) {
      const { pid, containerId, sandboxPid } = watched.subject
      this.#own.add(watched, pid)
      for (const child of below.get(pid) ?? []) if (isInGroupOf(child, containerId)) this.#own.add(watched, child)
      if (sandboxPid === undefined) continue
      for (const guest of [sandboxPid, ...(below.get(sandboxPid) ?? [])]) watched.guests.add(guest)
    }
    this.catchUp()
  }

  ownerOf(pid: number): Watched | undefined {
    return this.#own.ownerOf(pid)
  }

  living(): Iterable<readonly [pid: number, owner: Watched]> {
    return this.#own.living()
  }

  /** Whose a process is, from the instance's point of view. */
  standing(watched: Watched, pid: number): Standing {
    if (this.#own.ownerOf(pid) === watched) return 'own'
    const isSure = this.works && Date.now() >= this.#doubtfulUntilMs
    const state = processState(pid)
    if (state?.isKernelThread === true || pid === 0) return 'doubtful'
    if (isSure) return this.#adopt(watched, pid) ? 'own' : 'foreign'
    return this.#standingByParents(watched, pid)
  }

  /** Reads what the connector has; what is to be looked into waits for `takePending`. */
  catchUp(): void {
    if (!this.works) return
    for (;;) {
      const length = this.#libc.read(this.#socket, this.#message)
      if (length > 0) this.#note(readProcessEvent(this.#message, length))
      else if (length === 0 || this.#libc.errno() !== 'ENOBUFS') return
      else this.#recover()
    }
  }

  takePending(): readonly ProcessEvent[] {
    const pending = this.#pending
    this.#pending = []
    return pending
  }

  /** `existing` are the processes that there were a moment ago: some have been born since. */
  tidy(existing: ReadonlySet<number>, nowMs: number): void {
    for (const [pid] of this.#own.living())
      if (!existing.has(pid) && processState(pid) === undefined) this.#own.ended(pid, nowMs)
    this.#own.purge(nowMs - rememberedMs)
  }

  close(): void {
    if (this.works) this.#libc.close(this.#socket)
  }

  #note(event: ProcessEvent | undefined): void {
    switch (event?.kind) {
      case 'forked':
        return this.#own.forked(event.parent, event.child)
      case 'ended':
        this.underWay.delete(event.pid)
        this.#own.ended(event.pid, Date.now())
        return this.#noteEnd(event.pid)
      case 'executed':
      case 'traced':
        this.underWay.delete(event.pid)
        if (this.#pending.length < pendingMost) this.#pending.push(event)
        return
      case 'acknowledged':
      case undefined:
        return
    }
  }

  #noteEnd(pid: number): void {
    const watched = this.#watched.get(pid)
    if (watched === undefined) return
    watched.hasEnded = true
    this.#pending.push({ kind: 'ended', pid })
  }

  /** Messages were lost: who lives now is found through /proc, and who has ended stays in doubt. */
  #recover(): void {
    const wasInDoubt = Date.now() < this.#doubtfulUntilMs
    this.#doubtfulUntilMs = Date.now() + doubtfulMs
    if (!wasInDoubt) this.seed([...this.#watched.values()])
  }

  /**
   * One that was born as its parents were only just being made known: it is in the control group, and descends from the
   * first process. Who enters from outside is not in the group, or descends from the engine.
   */
  #adopt(watched: Watched, pid: number): boolean {
    const isOwn = isInGroupOf(pid, watched.subject.containerId) && this.#standingByParents(watched, pid) === 'own'
    if (isOwn) this.#own.add(watched, pid)
    return isOwn
  }

  /** In doubt where it ends while it is looked at. */
  #standingByParents({ subject }: Watched, pid: number): Standing {
    if (descends(pid, subject.pid) === true && isInGroupOf(pid, subject.containerId)) return 'own'
    return isLive(processState(pid)) ? 'foreign' : 'doubtful'
  }

  #listen(): Failure | undefined {
    const call = 'the process connector'
    if (this.#socket < 0) return { call, errno: this.#libc.errno() }
    if (this.#libc.bind(this.#socket, connectorAddress()) !== 0) return { call, errno: this.#libc.errno() }
    this.#libc.write(this.#socket, listenRequest('all'))
    const error = this.#acknowledged()
    if (error === undefined) return { call, errno: 'ENOSYS' }
    if (error !== 0) return { call, errno: 'EPERM' }
    this.#libc.write(this.#socket, listenRequest('those that matter'))
    return undefined
  }

  /** The kernel's error number; undefined where it does not answer. */
  #acknowledged(): number | undefined {
    const entry = Buffer.alloc(8)
    entry.writeInt32LE(this.#socket)
    entry.writeInt16LE(1, 4)
    const endsAt = Date.now() + answerWithinMs
    while (Date.now() < endsAt) {
      if (this.#libc.poll(entry, 1, answerWithinMs) <= 0) continue
      const length = this.#libc.read(this.#socket, this.#message)
      const event = length > 0 ? readProcessEvent(this.#message, length) : undefined
      if (event?.kind === 'acknowledged') return event.error
    }
    return undefined
  }
}
