/** What every command is given: the options that all of them take, and where output goes. */
import type { Terminal } from './terminal.ts'

export interface Session {
  /** `-f`: absent where the folder is to be searched. */
  readonly file: string | undefined
  /** `--env` */
  readonly environment: string | undefined
  readonly json: boolean
  /** The working directory. */
  readonly folder: string
  readonly terminal: Terminal
}
