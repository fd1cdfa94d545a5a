/** What is typed at this process, for a program elsewhere; the state of the terminal is put back however it ends. */
import type { AccessInput } from '../api/terminal-client.ts'
import type { TerminalSize } from '../engine/terminal.ts'

/** What ends a program's input where it has a terminal: Ctrl-D. */
const endOfInput = Buffer.from([4])

export class Keyboard {
  readonly #queue: AccessInput[] = []
  #notify: () => void = () => {}
  #hasEnded = false
  readonly #restore = () => {
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
  }

  get size(): TerminalSize {
    const { columns, rows } = process.stdout
    return { columns: columns || 80, rows: rows || 24 }
  }

  async *input(): AsyncIterable<AccessInput> {
    for (;;) {
      yield* this.#queue.splice(0)
      if (this.#hasEnded) return
      if (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#notify = resolve))
    }
  }

  /** Raw: whatever is typed, Ctrl-C too, is the program's. */
  begin(): void {
    process.once('exit', this.#restore)
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    process.stdin.on('data', this.#typed)
    if (!process.stdin.isTTY) process.stdin.once('end', this.#closed)
    process.stdout.on('resize', this.#resized)
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, this.#leave)
  }

  end(): void {
    this.#restore()
    process.stdin.off('data', this.#typed).off('end', this.#closed).pause()
    process.stdout.off('resize', this.#resized)
    this.#leave()
  }

  readonly #typed = (data: Buffer) => this.#push({ kind: 'data', data })
  readonly #closed = () => this.#push({ kind: 'data', data: endOfInput })
  readonly #resized = () => this.#push({ kind: 'resize', size: this.size })
  readonly #leave = () => {
    this.#hasEnded = true
    this.#notify()
  }

  #push(input: AccessInput): void {
    this.#queue.push(input)
    this.#notify()
  }
}
