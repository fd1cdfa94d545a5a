/**
 * Tells one receiver what it is to be told, one thing at a time. What it does not take is tried again with growing
 * delays while newer things are told, and given up after a day.
 */
import { asRepaveError, type RepaveError } from '../errors.ts'
import { type Notification, notificationId } from '../model/notification.ts'
import type { Bookmark, Receiver } from '../notify/notify.ts'
import { growing } from '../rollout/backoff.ts'
import type { Seams } from './seams.ts'

/** No more of them wait in memory; the others wait in the store. */
const mostOpen = 64
const firstDelayMs = 1_000
const longestDelayMs = 3_600_000
/** By the time of day, which may jump: so many attempts are made at least. */
const patienceMs = 86_400_000
const leastAttempts = 3

/** Something that is to be told. */
interface Pending {
  readonly notification: Notification
  readonly attempts: number
  readonly dueAtMs: number
  readonly error?: RepaveError
}

export interface DeliveryListener {
  /** How far it has come is to be kept. */
  onProgress(): Promise<void>
  onTold(): void
  onGivenUp(notification: Notification, error: RepaveError): Promise<void>
}

export interface DeliverySource {
  /** What is told of entries after a sequence number, in ascending order, and the last of them that there is. */
  after(sequence: number): Promise<{ readonly told: readonly Notification[]; readonly last: number }>
}

export class Delivery {
  readonly name: string
  readonly #seams: Pick<Seams, 'clock' | 'log' | 'messenger'>
  readonly #source: DeliverySource
  readonly #listener: DeliveryListener
  readonly #stop = new AbortController()
  readonly #pending = new Map<number, Pending>()
  #receiver: Receiver
  #after: number
  /** Those of an earlier controller, until they were read again. */
  #reopened: ReadonlySet<number>
  #running: Promise<void> | undefined
  #isWanted = false
  #rest = new AbortController()
  #trouble: RepaveError | undefined

  constructor(
    name: string,
    receiver: Receiver,
    { after, open }: Bookmark,
    parts: {
      readonly seams: Pick<Seams, 'clock' | 'log' | 'messenger'>
      readonly source: DeliverySource
      readonly listener: DeliveryListener
    },
  ) {
    this.name = name
    this.#receiver = receiver
    this.#after = after
    this.#reopened = new Set(open)
    this.#seams = parts.seams
    this.#source = parts.source
    this.#listener = parts.listener
  }

  /** Where it can be reached, and what it wants to be told, may have changed. */
  redirect(receiver: Receiver): void {
    this.#receiver = receiver
  }

  /** There may be something to tell. */
  wake(): void {
    this.#isWanted = true
    this.#rest.abort()
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  bookmark(): Bookmark {
    const open = [...new Set([...this.#reopened, ...this.#pending.keys()])].toSorted((a, b) => a - b)
    return { after: this.#after, open }
  }

  pending(): number {
    return this.#reopened.size + this.#pending.size
  }

  /** What keeps it from its work. */
  troubles(): readonly RepaveError[] {
    const refused = [...this.#pending.values()].find(({ error }) => error)?.error
    return [...(this.#trouble ? [this.#trouble] : []), ...(refused ? [refused] : [])]
  }

  /** What is not told by then is told by the next controller. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#rest.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && (this.#isWanted || this.#pending.size > 0)) {
      this.#isWanted = false
      this.#rest = new AbortController()
      this.#trouble = await this.#take().then(() => undefined, asRepaveError)
      if (this.#trouble) this.#isWanted = true
      const due = this.#nextDue()
      if (due !== undefined && !this.#trouble) await this.#tell(...due)
      else await this.#sleep()
    }
  }

  /** What is new in the store, as far as there is room for it. */
  async #take(): Promise<void> {
    if (this.#pending.size >= mostOpen) return
    const oldest = Math.min(this.#after, ...[...this.#reopened].map((sequence) => sequence - 1))
    const { told, last } = await this.#source.after(oldest)
    const news = told.filter(({ data }) => data.sequence > this.#after || this.#reopened.has(data.sequence))
    const taken = news.slice(0, Math.max(0, mostOpen - this.#pending.size))
    for (const notification of taken)
      this.#pending.set(notification.data.sequence, { notification, attempts: 0, dueAtMs: 0 })
    this.#reopened = new Set()
    const after = taken.length < news.length ? (taken.at(-1)?.data.sequence ?? this.#after) : last
    const isProgress = after > this.#after
    this.#after = Math.max(after, this.#after)
    if (isProgress && taken.length > 0) await this.#listener.onProgress()
  }

  #nextDue(): readonly [number, Pending] | undefined {
    const nowMs = this.#seams.clock.steady()
    return [...this.#pending].find(([, { dueAtMs }]) => dueAtMs <= nowMs)
  }

  async #tell(sequence: number, pending: Pending): Promise<void> {
    const { notification, attempts } = pending
    const receiver = this.#receiver
    const id = notificationId(notification, this.name)
    const { signal } = this.#stop
    const error = await this.#seams.messenger
      .send(receiver, { id, notification }, signal)
      .then(() => undefined, asRepaveError)
    if (signal.aborted && error) return
    if (!error) this.#listener.onTold()
    if (!error || this.#isHopeless(pending)) this.#pending.delete(sequence)
    else this.#pending.set(sequence, this.#postponed(pending, error))
    if (error && attempts === 0) this.#seams.log(`notification ${notification.data.sequence}: ${error.message}`)
    if (error && !this.#pending.has(sequence)) await this.#listener.onGivenUp(notification, error)
    if (!this.#pending.has(sequence)) await this.#listener.onProgress()
  }

  #postponed({ notification, attempts }: Pending, error: RepaveError): Pending {
    const dueAtMs = this.#seams.clock.steady() + growing(attempts, firstDelayMs, longestDelayMs)
    return { notification, attempts: attempts + 1, dueAtMs, error }
  }

  #isHopeless({ notification, attempts }: Pending): boolean {
    const ageMs = this.#seams.clock.now() - Date.parse(notification.timestamp)
    return ageMs >= patienceMs && attempts + 1 >= leastAttempts
  }

  async #sleep(): Promise<void> {
    const { clock } = this.#seams
    const dueAtMs = Math.min(...[...this.#pending.values()].map(({ dueAtMs: each }) => each))
    const ms = this.#trouble ? firstDelayMs : dueAtMs - clock.steady()
    if (ms === Infinity || (this.#isWanted && !this.#trouble)) return
    const signal = this.#trouble ? this.#stop.signal : AbortSignal.any([this.#stop.signal, this.#rest.signal])
    await clock.sleep(Math.max(1, ms), signal).catch(() => {})
  }
}
