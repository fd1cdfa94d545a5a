/** What people are told of by a webhook or a hook on the machine: which entries of the ledger, and in which form. */
import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import type { Entry } from './entry.ts'

/** What somebody can ask to be told of. */
export const noticeKinds = ['taint', 'escalation', 'sensor', 'overdue', 'rollout', 'access'] as const

export type NoticeKind = (typeof noticeKinds)[number]

/** Where an environment's notifications go. */
export interface Webhook {
  readonly url: string
  /** Absolute path of the file with the key that signs them; it is read when something is sent. */
  readonly secretFile: string
  /** Absent: of everything. */
  readonly events?: readonly NoticeKind[]
}

/** The body of a webhook, and the input of a hook, as the specification "Standard Webhooks" has it. Fields are only added. */
export interface Notification {
  /** The kind of the entry: `instance.tainted`, `rollout.aborted`, … */
  readonly type: string
  /** When that was recorded, ISO 8601 in UTC. */
  readonly timestamp: string
  readonly data: NotificationData
}

export interface NotificationData extends Pick<
  Entry,
  'stack' | 'environment' | 'service' | 'instance' | 'version' | 'release' | 'message' | 'by'
> {
  /** Of this form: another one would mean something else by the same fields. */
  readonly form: 1
  readonly kind: NoticeKind
  /** Of the entry in the ledger. */
  readonly sequence: number
}

const kindOf: Readonly<Record<string, NoticeKind>> = {
  'instance.tainted': 'taint',
  'escalation.began': 'escalation',
  'sensor.suspected': 'sensor',
  'instance.overdue': 'overdue',
  'rollout.aborted': 'rollout',
  'access.opened': 'access',
  'access.closed': 'access',
}

/** The kinds of entries that anybody is told of. */
export const toldKinds: readonly string[] = Object.keys(kindOf)

/** What is told of an entry; undefined: nothing. What an instance printed stays in the store. */
export function notificationOf(entry: Entry & { readonly sequence: number }): Notification | undefined {
  const kind = Object.hasOwn(kindOf, entry.kind) ? kindOf[entry.kind] : undefined
  if (!kind) return undefined
  const { sequence, message, by, stack, environment, service, instance, version, release } = entry
  const subject = {
    ...(stack !== undefined && { stack }),
    ...(environment !== undefined && { environment }),
    ...(service !== undefined && { service }),
    ...(instance !== undefined && { instance }),
    ...(version !== undefined && { version }),
    ...(release !== undefined && { release }),
  }
  const data = { form: 1, kind, sequence, message, by, ...subject } as const
  return { type: entry.kind, timestamp: new Date(entry.atMs).toISOString(), data }
}

/** The same for the same entry and receiver, whenever and however often it is sent, and for no others. */
export function notificationId(notification: Notification, receiver: string): string {
  const digest = createHash('sha256').update(canonicalJson({ notification, receiver })).digest('base64url')
  return `msg_${digest.slice(0, 32)}`
}
