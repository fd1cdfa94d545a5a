/** Asks Prometheus, or what speaks its HTTP API: prometheus.io/docs/prometheus/latest/querying/api, "instant queries". */
import { type Dispatcher, request } from 'undici'
import { RepaveError } from '../../errors.ts'
import type { Gate, GateQuery } from '../gate.ts'
import { numberOf, wordsOf } from './answer.ts'

/** Far more than one number takes. */
const maxAnswerBytes = 1024 * 1024

export class PrometheusGate implements Gate {
  readonly #timeoutMs: number

  constructor({ timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {}) {
    this.#timeoutMs = timeoutMs
  }

  async measure(query: GateQuery, signal: AbortSignal): Promise<number | undefined> {
    const url = queryUrl(query, this.#timeoutMs)
    const { status, text } = await this.#ask(url, signal)
    if (status !== 200) throw refusal(url, status, wordsOf(text))
    const answer = numberOf(text)
    if (answer.kind === 'number') return Number.isNaN(answer.number) ? undefined : answer.number
    throw new RepaveError('GATE_FAILED', `${placeOf(url)} ${answer.fault}`, { hint: answer.hint })
  }

  async #ask(url: URL, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const limit = AbortSignal.timeout(this.#timeoutMs)
    try {
      const headers = { accept: 'application/json', 'user-agent': 'repave-gate' }
      const answer = await request(url, { signal: AbortSignal.any([signal, limit]), headers, reset: true })
      return { status: answer.statusCode, text: await readText(answer.body) }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof RepaveError) throw error
      throw unreachable(url, limit.aborted ? `no answer within ${this.#timeoutMs / 1000} s` : symptomOf(error), error)
    }
  }
}

function queryUrl({ url, query }: GateQuery, timeoutMs: number): URL {
  const address = URL.parse(url)
  if (!address || !['http:', 'https:'].includes(address.protocol))
    throw new RepaveError('GATE_FAILED', `${JSON.stringify(url)} is no address of a Prometheus`, {
      hint: 'give it as http://HOST:PORT or https://HOST:PORT',
    })
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/api/v1/query`
  address.searchParams.set('query', query)
  address.searchParams.set('timeout', `${timeoutMs}ms`)
  return address
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new Error(`more than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refusal(url: URL, status: number, words: string): RepaveError {
  if (status >= 500 || status === 408 || status === 429) return unreachable(url, `HTTP ${status}: ${words}`)
  return new RepaveError('GATE_FAILED', `${placeOf(url)} refuses the query with HTTP ${status}: ${words}`, {
    hint:
      hints.get(status) ??
      'look whether its address is that of a Prometheus, with the path before /api/v1 if it has one',
  })
}

const hints: ReadonlyMap<number, string> = new Map([
  [400, 'try the query in the web interface of Prometheus'],
  [401, 'let this machine ask without credentials'],
  [403, 'let this machine ask without credentials'],
  [422, 'try the query in the web interface of Prometheus'],
])

function unreachable(url: URL, reason: string, cause?: unknown): RepaveError {
  return new RepaveError('GATE_UNREACHABLE', `${placeOf(url)} did not answer a query: ${reason}`, {
    hint: `look whether it can be reached from here: curl '${placeOf(url)}/api/v1/query?query=1'`,
    cause,
  })
}

/** Without the query, and without credentials. */
function placeOf({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/api\/v1\/query$/, '')
}

function symptomOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!('code' in error) || typeof error.code !== 'string') return error.message
  return error.code === 'ECONNREFUSED' ? 'connection refused' : error.code
}
