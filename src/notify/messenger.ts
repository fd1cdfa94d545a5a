/** A messenger of both kinds: each receiver is told by the one that is for it. */
import type { Messenger } from './notify.ts'

export function messengerOf(by: { readonly webhook: Messenger; readonly hook: Messenger }): Messenger {
  return { send: (receiver, message, signal) => by[receiver.kind].send(receiver, message, signal) }
}
