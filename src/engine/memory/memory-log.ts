/** The output of one instance: the last so many lines, and whatever follows. */
import type { LogLine, LogOptions } from '../engine.ts'

export class MemoryLog {
  readonly #limit: number
  #lines: LogLine[] = []
  /** How many lines there ever were. */
  #count = 0
  #ended = false
  #changed = Promise.withResolvers<void>()

  constructor(limit: number) {
    this.#limit = limit
  }

  append(line: LogLine): void {
    this.#lines.push(line)
    this.#count++
    if (this.#lines.length > this.#limit) this.#lines.shift()
    this.#wake()
  }

  /** There will be no further line. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *read(options: LogOptions): AsyncIterable<LogLine> {
    const { tail = this.#lines.length, follow = false, signal } = options
    let next = this.#count - Math.min(tail, this.#lines.length)
    for (;;) {
      if (signal?.aborted) return
      const oldest = this.#count - this.#lines.length
      const line = this.#lines[Math.max(next, oldest) - oldest]
      if (line) {
        next = Math.max(next, oldest) + 1
        yield line
      } else if (follow && !this.#ended) await this.#change(signal)
      else return
    }
  }

  async #change(signal: AbortSignal | undefined): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    const stop = () => aborted.resolve()
    signal?.addEventListener('abort', stop, { once: true })
    await Promise.race([this.#changed.promise, aborted.promise])
    signal?.removeEventListener('abort', stop)
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
