/** What every messenger must do; run against each implementation. */
import { describe, expect, test } from 'vitest'
import type { Message, Messenger, Receiver } from './notify.ts'

export interface MessengerScene extends AsyncDisposable {
  readonly messenger: Messenger
  readonly receiver: Receiver
  /** What the receiver was told, each as often as that. */
  told(): Promise<readonly unknown[]>
  /** From here on, the receiver takes nothing, or does not answer. */
  turn(manner: 'refusing' | 'silent'): Promise<void>
}

const never = new AbortController().signal

export const contractMessage: Message = {
  id: 'msg_contract',
  notification: {
    type: 'instance.tainted',
    timestamp: '2026-11-24T00:00:00.000Z',
    data: { form: 1, kind: 'taint', sequence: 3, message: 'exec “/bin/sh”\n', by: 'repave', service: 'web' },
  },
}

export function messengerContract(name: string, setup: () => Promise<MessengerScene>): void {
  describe(`the messenger contract on ${name}`, () => {
    test('who is told has the whole, as often as it is sent', async () => {
      await using scene = await setup()
      for (let times = 0; times < 2; times++)
        expect(await scene.messenger.send(scene.receiver, contractMessage, never)).toBe('told')
      expect(await scene.told()).toEqual([contractMessage.notification, contractMessage.notification])
    })

    test('who does not take it may take it later', async () => {
      await using scene = await setup()
      await scene.turn('refusing')
      await expect(scene.messenger.send(scene.receiver, contractMessage, never)).rejects.toThrow(
        expect.objectContaining({ code: 'NOTIFICATION_FAILED', retryable: true }),
      )
      expect(await scene.told()).toEqual([])
    })

    test('who no longer sends it gets the own reason, also while it is taken', async () => {
      await using scene = await setup()
      await scene.turn('silent')
      const gone = AbortSignal.abort(new Error('the controller ends'))
      await expect(scene.messenger.send(scene.receiver, contractMessage, gone)).rejects.toThrow('the controller ends')
      const going = new AbortController()
      const sent = scene.messenger.send(scene.receiver, contractMessage, going.signal)
      setTimeout(() => going.abort(new Error('it ends now')), 100)
      await expect(sent).rejects.toThrow('it ends now')
    })
  })
}
