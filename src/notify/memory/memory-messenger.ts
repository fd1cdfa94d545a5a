/** A messenger to receivers that exist only in memory. */
import type { Message, Messenger, Receiver } from '../notify.ts'

/** What a receiver does with what it is told: throws where it does not take it. */
export type Listen = (receiver: Receiver, message: Message, signal: AbortSignal) => void | Promise<void>

export class MemoryMessenger implements Messenger {
  readonly #listen: Listen

  constructor(listen: Listen = () => {}) {
    this.#listen = listen
  }

  async send(receiver: Receiver, message: Message, signal: AbortSignal): Promise<'told'> {
    signal.throwIfAborted()
    await this.#listen(receiver, message, signal)
    return 'told'
  }
}
