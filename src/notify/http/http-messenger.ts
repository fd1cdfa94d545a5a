/** Tells webhooks, signed: github.com/standard-webhooks/standard-webhooks, version 1.0.0. */
import { Webhook } from 'standardwebhooks'
import { type Dispatcher, request } from 'undici'
import { RepaveError } from '../../errors.ts'
import { errorCode } from '../../system/error-code.ts'
import type { Message, Messenger, Receiver } from '../notify.ts'
import { readSecret } from './secret.ts'

/** Nothing of an answer but its status is of use; a connection whose answer is longer is given up. */
const maxAnswerBytes = 16 * 1024

export class HttpMessenger implements Messenger {
  readonly #timeoutMs: number

  constructor({ timeoutMs = 15_000 }: { readonly timeoutMs?: number } = {}) {
    this.#timeoutMs = timeoutMs
  }

  async send(receiver: Receiver, message: Message, signal: AbortSignal): Promise<'told' | 'absent'> {
    if (receiver.kind !== 'webhook') return 'absent'
    const { url, secretFile } = receiver
    const body = JSON.stringify(message.notification)
    const headers = signedHeaders(message.id, body, await readSecret(secretFile))
    signal.throwIfAborted()
    const status = await this.#post(url, { headers, body, signal })
    if (status >= 200 && status < 300) return 'told'
    throw failure(url, `HTTP ${status}${status >= 300 && status < 400 ? ', and redirects are not followed' : ''}`)
  }

  async #post(url: string, { headers, body, signal }: Post): Promise<number> {
    const limit = AbortSignal.timeout(this.#timeoutMs)
    try {
      const signals = AbortSignal.any([signal, limit])
      const answer = await request(url, { method: 'POST', headers, body, signal: signals, reset: true })
      await readAway(answer.body)
      return answer.statusCode
    } catch (error) {
      signal.throwIfAborted()
      throw failure(url, limit.aborted ? `no answer within ${this.#timeoutMs / 1000} s` : symptomOf(error), error)
    }
  }
}

interface Post {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/** The time is that of the sending, by which a receiver tells old ones that somebody else sends again. */
function signedHeaders(id: string, body: string, secret: string): Readonly<Record<string, string>> {
  const at = new Date()
  return {
    'content-type': 'application/json',
    'user-agent': 'repave',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  }
}

/** As far as it is short; of a longer one, the rest is never fetched. */
async function readAway(body: Dispatcher.ResponseData['body']): Promise<void> {
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) break
  }
}

/** Without path and query, which may say more than people who read the status should know. */
function failure(url: string, why: string, cause?: unknown): RepaveError {
  const { origin } = new URL(url)
  return new RepaveError('NOTIFICATION_FAILED', `the webhook at ${origin} did not take a notification: ${why}`, {
    hint: 'it is sent again, less and less often, for a day; look whether the receiver is up and takes it',
    cause,
  })
}

function symptomOf(error: unknown): string {
  const code = errorCode(error)
  if (code === undefined) return error instanceof Error ? error.message : String(error)
  return code === 'ECONNREFUSED' ? 'connection refused' : code
}
