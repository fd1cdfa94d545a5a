/**
 * Tells people of what is on record: webhooks that releases name, and the hook of this machine.
 *
 * It follows the ledger, and so neither the loop nor a command waits for it. How far each receiver has come is kept, so
 * that a controller that dies goes on where it was; one that is new is told only of what comes.
 */
import { asRepaveError, type RepaveError } from '../errors.ts'
import { type Notification, notificationOf, toldKinds } from '../model/notification.ts'
import { type Scope, scopeName } from '../model/stack.ts'
import type { Release } from '../model/release.ts'
import type { Bookmark, Receiver } from '../notify/notify.ts'
import { Serial } from '../system/serial.ts'
import { Delivery, type DeliverySource } from './delivery.ts'
import { entryOf } from './records.ts'
import type { Seams } from './seams.ts'

/** It looks for what is new no more often than this, however often there may be something. */
const gatherMs = 250

type Books = Pick<Seams, 'store' | 'clock' | 'log' | 'messenger' | 'bookmarks'>

/** Who is to be told of what. */
interface Subscription {
  readonly receiver: Receiver
  /** Absent: of every environment. */
  readonly scope?: Scope
}

export interface NoticeFigures {
  readonly pending: number
  /** Since this controller began. */
  readonly told: number
  readonly givenUp: number
}

export class Notices {
  readonly #seams: Books
  readonly #releases: () => readonly Release[]
  readonly #deliveries = new Map<string, Delivery>()
  readonly #writes = new Serial()
  readonly #stop = new AbortController()
  #bookmarks: ReadonlyMap<string, Bookmark> = new Map()
  #subscriptions: ReadonlyMap<string, Subscription> = new Map()
  /** The releases that the subscriptions are of. */
  #known: readonly Release[] | undefined
  #last = -1
  #isStarted = false
  #running: Promise<void> | undefined
  #isWanted = false
  #unkept: RepaveError | undefined
  #told = 0
  #givenUp = 0

  /** `releases`: what every environment is to run now. */
  constructor(seams: Books, releases: () => readonly Release[]) {
    this.#seams = seams
    this.#releases = releases
  }

  /** Who is new is told of what is recorded from here on. */
  async start(): Promise<void> {
    this.#bookmarks = await this.#seams.bookmarks.read()
    this.#last = (await this.#seams.store.size()) - 1
    this.#isStarted = true
  }

  /** Something may have been recorded. */
  wake(): void {
    this.#isWanted = true
    if (this.#isStarted) this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  troubles(): readonly RepaveError[] {
    const troubles = [...this.#deliveries.values()].flatMap((delivery) => delivery.troubles())
    return [...troubles, ...(this.#unkept ? [this.#unkept] : [])]
  }

  figures(): NoticeFigures {
    const pending = [...this.#deliveries.values()].reduce((sum, delivery) => sum + delivery.pending(), 0)
    return { pending, told: this.#told, givenUp: this.#givenUp }
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#stop.abort()
    await this.#running
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.stop()))
    // Who has not subscribed anybody yet knows nothing better than what is kept.
    if (this.#known) await this.#keep()
  }

  /** At once, and then after a while again where that was too early. */
  async #run(): Promise<void> {
    const { clock } = this.#seams
    while (this.#isWanted && this.#isStarted) {
      this.#isWanted = false
      await this.#look()
      await clock.sleep(gatherMs, this.#stop.signal).catch(() => {})
    }
  }

  async #look(): Promise<void> {
    const size = await this.#seams.store.size().catch(() => undefined)
    if (size === undefined || !this.#isStarted) return
    const isNews = size - 1 !== this.#last || this.#deliveries.size === 0
    this.#subscribe()
    this.#last = size - 1
    if (isNews) for (const delivery of this.#deliveries.values()) delivery.wake()
  }

  #subscribe(): void {
    const releases = this.#releases()
    if (this.#known?.length === releases.length && releases.every((release, index) => release === this.#known?.[index]))
      return
    this.#known = releases
    this.#subscriptions = subscriptionsOf(releases)
    for (const [name, delivery] of this.#deliveries) {
      if (this.#subscriptions.has(name)) continue
      this.#deliveries.delete(name)
      void delivery.stop()
    }
    for (const [name, { receiver }] of this.#subscriptions) {
      const known = this.#deliveries.get(name)
      if (known) known.redirect(receiver)
      else this.#deliveries.set(name, this.#delivery(name, receiver))
    }
    void this.#keep()
  }

  #delivery(name: string, receiver: Receiver): Delivery {
    const kept = this.#bookmarks.get(name)
    // A ledger that was begun anew has fewer entries.
    const bookmark = kept && kept.after <= this.#last ? kept : { after: this.#last, open: [] }
    const onGivenUp = (notification: Notification, error: RepaveError) => this.#giveUp(name, notification, error)
    const onProgress = () => this.#keep()
    const parts = {
      seams: this.#seams,
      source: this.#source(name),
      listener: { onGivenUp, onProgress, onTold: () => (this.#told += 1) },
    }
    return new Delivery(name, receiver, bookmark, parts)
  }

  #source(name: string): DeliverySource {
    return {
      after: async (after) => {
        const { store } = this.#seams
        const last = (await store.size()) - 1
        const entries = last > after ? await store.entries({ kinds: toldKinds, after }) : []
        const told = entries.flatMap((entry) => notificationOf(entry) ?? [])
        const subscription = this.#subscriptions.get(name)
        const wanted = subscription ? told.filter((notification) => isFor(notification, subscription)) : []
        // What was recorded since the size was asked for may be among them.
        return { told: wanted, last: Math.max(last, entries.at(-1)?.sequence ?? last) }
      },
    }
  }

  async #giveUp(name: string, { data, type }: Notification, error: RepaveError): Promise<void> {
    const { store, clock } = this.#seams
    this.#givenUp += 1
    const message = `of entry ${data.sequence} (${type}), ${placeOf(name)} was not told within a day: ${error.message}`
    const entry = entryOf(data, { atMs: clock.now(), kind: 'notification.failed', message })
    await store.append(entry).catch((cause: unknown) => this.#seams.log(`${message}; not on record: ${String(cause)}`))
  }

  /** What can't be kept is told again by the next controller. */
  async #keep(): Promise<void> {
    this.#unkept = await this.#writes
      .run(() =>
        this.#seams.bookmarks.write(new Map([...this.#deliveries].map(([name, each]) => [name, each.bookmark()]))),
      )
      .then(() => undefined, asRepaveError)
  }
}

/** By name, which has to last. */
function subscriptionsOf(releases: readonly Release[]): ReadonlyMap<string, Subscription> {
  const webhooks = releases.flatMap(({ stack, environment, notifications = [] }) =>
    notifications.map((webhook): [string, Subscription] => {
      const scope = { stack, environment }
      return [`${scopeName(scope)} ${webhook.url}`, { receiver: { kind: 'webhook', ...webhook }, scope }]
    }),
  )
  return new Map([['hook', { receiver: { kind: 'hook' } }], ...webhooks])
}

/** What is about no environment, such as a machine that can't see something, is for all. */
function isFor({ data }: Notification, { receiver, scope }: Subscription): boolean {
  if (receiver.kind === 'webhook' && receiver.events && !receiver.events.includes(data.kind)) return false
  if (!scope || data.stack === undefined) return true
  return data.stack === scope.stack && data.environment === scope.environment
}

/** A receiver as people may read of it: without the path of its address. */
function placeOf(name: string): string {
  const [, url] = name.split(' ')
  return url === undefined ? 'the hook' : `the webhook at ${new URL(url).origin}`
}
