/** From arguments to an exit code: runs the command, and shows an error once, as the command's reader wants it. */
import { type Command, CommanderError } from 'commander'
import { repaveVersion } from '../api/version.ts'
import { asRepaveError, RepaveError } from '../errors.ts'
import { exitAfterBrokenPipe, exitDone, exitInterrupted, exitOfError } from './exit.ts'
import { createProgram } from './program.ts'
import { renderError } from './render/error.ts'
import { renderWelcome } from './render/welcome.ts'
import { processTerminal } from './terminal.ts'

export async function run(parameters: readonly string[]): Promise<number> {
  let exitCode = exitDone
  if (parameters[0] === '--version' || parameters[0] === '-V') return printVersion()
  const program = createProgram((code) => (exitCode = code))
  try {
    await program.parseAsync(parameters, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return show(asRepaveError(error), parameters)
    if (error.code === 'commander.help') return welcome(program, parameters)
    return error.exitCode === 0 ? exitDone : show(usageError(error), parameters)
  }
}

/** For a process that ends while its command still runs: done must not be what that looks like. */
export function tellEarlyEnd(exitCode: number, parameters: readonly string[]): void {
  if (exitCode === exitInterrupted || exitCode === exitAfterBrokenPipe) return
  const error = new RepaveError('FILE_INVALID', 'the stack file ended the command before it was read', {
    hint: 'a stack file in TypeScript must not call process.exit, nor await what never comes',
  })
  process.exitCode = show(error, parameters)
}

/** Only as the first word: further on, a command may have an option of that name. */
function printVersion(): number {
  processTerminal(true).print([repaveVersion()])
  return exitDone
}

/** `repave` alone, or a command that has commands of its own. */
function welcome({ commands }: Command, parameters: readonly string[]): number {
  const terminal = processTerminal(parameters.includes('--no-color'))
  const group = commands.find((command) => parameters.includes(command.name()))
  terminal.print(group ? group.helpInformation().trimEnd().split('\n') : renderWelcome(terminal.style))
  return exitDone
}

function show(error: RepaveError, parameters: readonly string[]): number {
  const terminal = processTerminal(parameters.includes('--no-color'))
  if (parameters.includes('--json')) terminal.printJson(error.report())
  else terminal.printError(renderError(error, terminal.errorStyle))
  return exitOfError(error)
}

/** Commander's message is the fault, and where it knows one, a second line with the nearest name. */
function usageError(error: CommanderError): RepaveError {
  const [fault = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n')
  const nearest = suggestions.map((line) => line.replace(/^\((.*)\)$/, '$1')).join(' ')
  return new RepaveError('USAGE', fault, {
    hint: [nearest, '`repave --help` lists the commands, `repave COMMAND --help` its options']
      .filter(Boolean)
      .join('\n'),
    cause: error,
  })
}
