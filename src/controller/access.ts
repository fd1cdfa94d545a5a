/**
 * Break-glass: an instance is given up for good, drained, and entered through a recorded terminal for a while; then it
 * is destroyed as any tainted one. That it was opened is on record before anything is done.
 */
import { asRepaveError, RepaveError } from '../errors.ts'
import type { AccessReport } from '../model/report.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import { type FleetInstance, isEnding } from '../plan/fleet.ts'
import type { RecordedEntry } from '../store/store.ts'
import type { AccessLink, AccessRequest } from './commands.ts'
import type { Desk } from './desk.ts'
import { entryOf } from './records.ts'
import { type SessionEnd, TerminalSession } from './terminal-session.ts'

export class Access {
  readonly #desk: Desk
  readonly #stop = new AbortController()
  /** By instance. */
  readonly #sessions = new Map<string, Promise<void>>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Closes on record what earlier controllers left open: nobody knows how it ended. */
  async recover(): Promise<void> {
    const { store, access } = this.#desk.seams
    const entries = await store.entries({ kinds: ['access.opened', 'access.closed'] })
    const closed = new Set(entries.map(({ operation }) => operation))
    for (const entry of entries.filter(({ kind, sequence }) => kind === 'access.opened' && !closed.has(sequence)))
      await this.#record(entry, {
        message: 'unknown: the controller ended meanwhile',
        ...digestOf(access?.recordings.digest(entry.sequence)),
      })
  }

  /** Every terminal is closed; the instances are left to the next controller. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#desk.loop.wake()
    await Promise.allSettled(this.#sessions.values())
  }

  async open(request: AccessRequest, link: AccessLink): Promise<void> {
    try {
      const session = this.#claim(request, link)
      this.#sessions.set(request.instance, session)
      await session.finally(() => this.#sessions.delete(request.instance))
    } catch (error) {
      link.tell({ kind: 'error', error: asRepaveError(error).report() })
    }
  }

  async list(scope: Scope): Promise<readonly AccessReport[]> {
    this.#desk.known(scope)
    const kinds = ['access.opened', 'access.closed']
    const { stack, environment } = scope
    const entries = await this.#desk.seams.store.entries({ stack, environment, kinds })
    const ends = new Map(entries.map(({ operation, message }) => [operation, message]))
    return entries
      .filter(({ kind }) => kind === 'access.opened')
      .map((entry) => accessReport(entry, ends.get(entry.sequence)))
      .toReversed()
  }

  #claim(request: AccessRequest, link: AccessLink): Promise<void> {
    this.#assertOpenable(request)
    return this.#enter(request, link)
  }

  async #enter(request: AccessRequest, link: AccessLink): Promise<void> {
    const { loop, seams } = this.#desk
    const observed = loop.sight?.engine.instances.find(({ name }) => name === request.instance)
    if (!observed || !seams.access) throw notOpenable(request.instance, 'it can not be seen')
    const session = new TerminalSession({ ...seams, access: seams.access }, request, link, this.#stop.signal)
    void session.left.then(() => loop.wake())
    const opened: { entry?: RecordedEntry } = {}
    const begin = async () => {
      const entry = await loop.open(observed, request.by, request.reason)
      opened.entry = entry
      link.tell({ kind: 'step', message: `${request.instance} is tainted, and drains` })
    }
    const isDone = () => session.isLeft || this.#stop.signal.aborted || !this.#isDraining(request)
    try {
      for await (const report of this.#desk.follow(request, begin, isDone))
        if (report.kind === 'step') link.tell({ kind: 'step', message: `${report.step} ${report.instance}` })
      const id = opened.entry?.sequence ?? 0
      const end: SessionEnd = this.#isDraining(request)
        ? {
            message: session.isLeft
              ? 'left before it was open'
              : 'it did not drain before the controller ended, or lost sight of it',
          }
        : await session.run(id)
      if (opened.entry) await this.#record(opened.entry, end)
      link.tell({ kind: 'closed', id, ...end })
    } finally {
      loop.release(request.instance)
    }
  }

  #isDraining(request: AccessRequest): boolean {
    const instance = this.#find(request)
    if (!instance) return false
    // Of a look from before it was tainted: the router may be about to get it.
    if (!instance.taint) return true
    return instance.rotation !== 'out' || instance.busy !== undefined
  }

  #find({ instance, ...scope }: AccessRequest): FleetInstance | undefined {
    const fleets = this.#desk.loop.view(scope)?.fleets ?? []
    return fleets.flatMap(({ instances }) => instances).find(({ name }) => name === instance)
  }

  #assertOpenable(request: AccessRequest): void {
    const { instance } = request
    this.#desk.known(request)
    this.#desk.assertSeeing()
    if (!this.#desk.seams.access) throw notOpenable(instance, 'this engine opens no terminals')
    if (this.#stop.signal.aborted) throw notOpenable(instance, 'the controller ends')
    if (this.#sessions.has(instance)) throw notOpenable(instance, 'somebody else has opened it')
    const found = this.#find(request)
    if (!found)
      throw new RepaveError('INSTANCE_UNKNOWN', `${scopeName(request)} has no instance ${instance}`, {
        hint: '`repave status` lists the instances',
      })
    const why = whyNot(found)
    if (why !== undefined) throw notOpenable(instance, why)
  }

  async #record(opened: RecordedEntry, { message, digest }: SessionEnd): Promise<void> {
    const { store, clock } = this.#desk.seams
    const atMs = clock.now()
    const seconds = Math.max(0, Math.round((atMs - opened.atMs) / 1_000))
    const words = `${message}; after ${seconds} s; ${digest ?? 'nothing was recorded'}`
    const { sequence: operation } = opened
    await store.append(entryOf(opened, { atMs, kind: 'access.closed', by: opened.by, message: words, operation }))
  }
}

function accessReport(
  { sequence, atMs, by, instance = '', message }: RecordedEntry,
  end: string | undefined,
): AccessReport {
  const digest = end === undefined ? undefined : /sha256:[0-9a-f]{64}$/.exec(end)?.[0]
  const opened = { id: sequence, instance, by, at: new Date(atMs).toISOString(), reason: message }
  return { ...opened, ...(end !== undefined && { end }), ...(digest !== undefined && { digest }) }
}

function whyNot(instance: FleetInstance): string | undefined {
  if (instance.taint) return 'it is tainted already'
  if (instance.phase !== 'running') return 'it does not run'
  return isEnding(instance) ? 'it is ending' : undefined
}

function notOpenable(instance: string, why: string): RepaveError {
  return new RepaveError('NOT_PERMITTED', `${instance} can't be opened: ${why}`, {
    hint: 'open another instance of its service; `repave status` lists them',
  })
}

function digestOf(digest: string | undefined): Pick<SessionEnd, 'digest'> {
  return digest === undefined ? {} : { digest }
}
