/** Who is told in a simulated world: takes each notification only when it is sent again. */
import { RepaveError } from '../../src/errors.ts'
import { MemoryMessenger } from '../../src/notify/memory/memory-messenger.ts'

export class Audience {
  readonly #asked = new Set<string>()
  readonly #told = new Set<number>()
  readonly messenger = new MemoryMessenger((_receiver, { id, notification }) => {
    if (this.#asked.has(id)) this.#told.add(notification.data.sequence)
    else {
      this.#asked.add(id)
      throw new RepaveError('NOTIFICATION_FAILED', 'the hook was busy', { hint: 'send it again' })
    }
  })

  /** Whether it has what is told of an entry. */
  has(sequence: number): boolean {
    return this.#told.has(sequence)
  }
}
