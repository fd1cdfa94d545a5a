/** Sends requests at a constant rate, whatever becomes of them (an open loop), and tells what came back. */
import { Agent, request } from 'undici'
import { type LoadReport, type Outcome, Tally } from './tally.ts'

export interface LoadPlan {
  readonly url: string
  readonly ratePerSecond: number
  /** Taken in turn. */
  readonly methods: readonly ('GET' | 'POST')[]
  /** `new`: a connection for each request. */
  readonly connections: 'keep-alive' | 'new'
  readonly host?: string
  /** A request without a whole answer after so long has failed. */
  readonly timeoutMs: number
  /** Whether every outcome is kept for the report. */
  readonly traced: boolean
}

export const defaultPlan = {
  ratePerSecond: 300,
  methods: ['GET'],
  connections: 'keep-alive',
  timeoutMs: 10_000,
  traced: false,
} as const satisfies Omit<LoadPlan, 'url'>

const tickMs = 5
const postBody = 'x'.repeat(1024)

/** Goes on until `signal` aborts, then waits for the answers that are still out. `onAnswer` hears of the first. */
export async function generateLoad(plan: LoadPlan, signal: AbortSignal, onAnswer?: () => void): Promise<LoadReport> {
  const agent = new Agent({ connections: null, pipelining: 1, connect: { timeout: plan.timeoutMs } })
  const tally = new Tally(plan.traced)
  const startedAtMs = Date.now()
  const pending = new Set<Promise<void>>()
  const send = (index: number): void => {
    const sent = sendRequest(plan, agent, index).then((outcome) => {
      if (outcome.kind === 'answer' && tally.answers === 0) onAnswer?.()
      tally.record(outcome)
      pending.delete(sent)
    })
    pending.add(sent)
  }
  await pace(plan.ratePerSecond, signal, send)
  await Promise.all(pending)
  await agent.destroy()
  return tally.report(startedAtMs, Date.now())
}

/** Calls `send` for every request that is due by now, so that a late tick is made up for. */
function pace(ratePerSecond: number, signal: AbortSignal, send: (index: number) => void): Promise<void> {
  const startedAt = performance.now()
  let sent = 0
  return new Promise((done) => {
    const timer = setInterval(() => {
      if (signal.aborted) {
        clearInterval(timer)
        return done()
      }
      const due = Math.floor(((performance.now() - startedAt) / 1000) * ratePerSecond)
      for (; sent < due; sent += 1) send(sent)
    }, tickMs)
  })
}

async function sendRequest(plan: LoadPlan, agent: Agent, index: number): Promise<Outcome> {
  const method = plan.methods[index % plan.methods.length] ?? 'GET'
  const startedAt = performance.now()
  const sentAtMs = Date.now()
  const times = () => ({ sentAtMs, atMs: Date.now(), tookMs: performance.now() - startedAt })
  try {
    const { statusCode, headers, body } = await request(plan.url, {
      method,
      dispatcher: agent,
      reset: plan.connections === 'new',
      signal: AbortSignal.timeout(plan.timeoutMs),
      ...(plan.host !== undefined && { headers: { host: plan.host } }),
      ...(method === 'POST' && { body: postBody }),
    })
    // Not `dump`, which takes an answer that was cut off for a whole one.
    await body.text()
    const release = decodeURIComponent(String(headers['x-greeting'] ?? ''))
    if (statusCode === 200)
      return { kind: 'answer', ...times(), release, instance: String(headers['x-instance'] ?? '') }
    const reason = `HTTP ${statusCode}`
    return { kind: 'failure', ...times(), request: method, reason, ...(release !== '' && { release }) }
  } catch (error) {
    return { kind: 'failure', ...times(), request: method, reason: failureReason(error) }
  }
}

function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
