import { RepaveError } from '../../errors.ts'
import { messengerContract } from '../messenger-contract.ts'
import { MemoryMessenger } from './memory-messenger.ts'

messengerContract('receivers in memory', async () => {
  const told: unknown[] = []
  let manner = 'taking'
  const messenger = new MemoryMessenger(async (_receiver, { notification }, signal) => {
    if (manner === 'refusing') throw new RepaveError('NOTIFICATION_FAILED', 'away', { hint: 'wait' })
    if (manner === 'silent')
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    told.push(notification)
  })
  return {
    messenger,
    receiver: { kind: 'hook' },
    told: async () => told,
    turn: async (next) => void (manner = next),
    [Symbol.asyncDispose]: async () => {},
  }
})
