/** Asks a service at a steady rate from this process, so that answers and what brings them about share one clock. */
import { Agent, request } from 'undici'

/** An answer, with times of `performance.now()`. */
export interface Probed {
  readonly sentMs: number
  readonly atMs: number
  /** Whose answer it is; empty for one that is nobody's. */
  readonly release: string
  readonly ok: boolean
}

/** As often as timers allow. */
const tickMs = 1

export class Prober {
  readonly #url: string
  readonly #agent = new Agent({ connections: null, pipelining: 1 })
  readonly #answers: Probed[] = []
  readonly #pending = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(url: string, ratePerSecond: number) {
    this.#url = url
    const startedMs = performance.now()
    let sent = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * ratePerSecond)
      for (; sent < due; sent += 1) this.#send()
    }, tickMs)
  }

  /** In the order in which they came. */
  get answers(): readonly Probed[] {
    return this.#answers
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
    await this.#agent.destroy()
  }

  #send(): void {
    const sent = this.#ask(performance.now()).finally(() => this.#pending.delete(sent))
    this.#pending.add(sent)
  }

  async #ask(sentMs: number): Promise<void> {
    try {
      const { statusCode, headers, body } = await request(this.#url, { dispatcher: this.#agent })
      const atMs = performance.now()
      await body.text()
      const release = decodeURIComponent(String(headers['x-greeting'] ?? ''))
      this.#answers.push({ sentMs, atMs, release, ok: statusCode === 200 })
    } catch {
      this.#answers.push({ sentMs, atMs: performance.now(), release: '', ok: false })
    }
  }
}
