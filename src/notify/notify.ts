/** The contract of notifications: tells one receiver one thing, and keeps how far each of them has been told. */
import type { Notification, Webhook } from '../model/notification.ts'

/** `hook`: a program of this machine's owner, where there is one. */
export type Receiver = ({ readonly kind: 'webhook' } & Webhook) | { readonly kind: 'hook' }

export interface Message {
  /** The same whenever it is sent again: who has it already can tell. */
  readonly id: string
  readonly notification: Notification
}

export interface Messenger {
  /**
   * `told` once the receiver has taken it, `absent` where nobody wants it. Throws NOTIFICATION_FAILED when it may be
   * taken later, and the reason of `signal` when that aborts.
   */
  send(receiver: Receiver, message: Message, signal: AbortSignal): Promise<'told' | 'absent'>
}

/** How far a receiver has been told. */
export interface Bookmark {
  /** Entries up to this sequence number are told, or are among the open ones. */
  readonly after: number
  /** Those that have not been taken yet, in ascending order. */
  readonly open: readonly number[]
}

/** What outlives the controller: without it, everybody counts as new, and is told of what comes. */
export interface Bookmarks {
  /** By the name of each receiver; empty where nothing was ever kept, or nothing can be made of it. */
  read(): Promise<ReadonlyMap<string, Bookmark>>
  /** All or nothing. */
  write(bookmarks: ReadonlyMap<string, Bookmark>): Promise<void>
}
