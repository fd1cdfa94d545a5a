/**
 * Terminals in instances, which not every engine can give. An instance has to be given up before one is opened in it:
 * tainted on the record, and out of rotation.
 */
import type { Duplex } from 'node:stream'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface TerminalOptions {
  readonly command: readonly string[]
  readonly size: TerminalSize
}

export interface InstanceTerminal {
  /** What is typed goes in, what is printed comes out; ends with its program, or with the instance. */
  readonly stream: Duplex
  resize(size: TerminalSize): Promise<void>
  /** Of the program, once the stream has ended; undefined where it can't be told. */
  exitCode(): Promise<number | undefined>
  /** Kills the program where that can be done from here. The end of the instance ends it in any case. */
  close(): Promise<void>
}

export interface Terminals {
  /** INSTANCE_UNKNOWN for one that is gone, INSTANCE_CANNOT_RUN where it has no such program. */
  openTerminal(instance: string, options: TerminalOptions): Promise<InstanceTerminal>
  /** Whether a terminal was opened in it: what is run in it through the engine is no touch of others. */
  isOpen(instance: string): boolean
}
