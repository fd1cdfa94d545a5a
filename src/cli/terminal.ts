/** Where output goes, and what it can show. */
import { exitAfterBrokenPipe, exitOutputLost } from './exit.ts'
import { colorStyle, plainStyle, type Style } from './render/text.ts'

export interface Terminal {
  readonly style: Style
  readonly errorStyle: Style
  /** Whether progress may be redrawn in place. */
  readonly isLive: boolean
  /** How wide output may be. */
  readonly columns: number
  print(lines: readonly string[]): void
  printError(lines: readonly string[]): void
  printJson(value: unknown): void
}

const usualColumns = 80

/** This process's own output. `noColor` is the flag; NO_COLOR (no-color.org) and TERM=dumb say the same. */
export function processTerminal(noColor: boolean): Terminal {
  const isPlain = noColor || Boolean(process.env.NO_COLOR) || process.env.TERM === 'dumb'
  const styleFor = (stream: NodeJS.WriteStream) => (!isPlain && stream.isTTY ? colorStyle : plainStyle)
  return {
    style: styleFor(process.stdout),
    errorStyle: styleFor(process.stderr),
    isLive: process.stdout.isTTY && process.env.TERM !== 'dumb',
    columns: process.stdout.columns || usualColumns,
    print: (lines) => void process.stdout.write(text(lines)),
    printError: (lines) => void process.stderr.write(text(lines)),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  }
}

/**
 * A reader that has gone away (`repave events | head`) ends the command, as SIGPIPE would; so does output that can't be
 * written. `onEnd` comes before.
 */
export function endWithOutput(onEnd: () => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      onEnd()
      if (error.code === 'EPIPE') process.exit(exitAfterBrokenPipe)
      if (stream === process.stdout) process.stderr.write(`error: can't write the output: ${error.code}\n`)
      process.exit(exitOutputLost)
    })
  }
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
