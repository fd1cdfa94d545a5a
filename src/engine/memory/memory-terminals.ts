/** Terminals in the instances of a memory machine: what is typed comes back, `exit N` ends it. */
import { Duplex } from 'node:stream'
import { RepaveError } from '../../errors.ts'
import type { InstanceTerminal, TerminalOptions, Terminals } from '../terminal.ts'
import type { MemoryMachine } from './memory-machine.ts'

export class MemoryTerminals implements Terminals {
  readonly #machine: MemoryMachine
  readonly #open = new Set<string>()

  constructor(machine: MemoryMachine) {
    this.#machine = machine
  }

  isOpen(instance: string): boolean {
    return this.#open.has(instance)
  }

  async openTerminal(instance: string, _options: TerminalOptions): Promise<InstanceTerminal> {
    const process = this.#machine.instance(instance)?.process
    if (!process || process.exit)
      throw new RepaveError('INSTANCE_UNKNOWN', `no instance ${instance} runs`, { hint: 'see `repave status`' })
    this.#open.add(instance)
    this.#machine.touch(instance)
    const echo = new Echo()
    void process.ended.then(() => echo.end())
    return {
      stream: echo,
      resize: async () => {},
      exitCode: async () => echo.code,
      close: async () => void echo.destroy(),
    }
  }
}

class Echo extends Duplex {
  code: number | undefined

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const exit = /^exit (\d+)/.exec(chunk.toString())
    if (exit) this.code = Number(exit[1])
    this.push(exit ? null : chunk)
    done()
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }
}
