/** The CLI reference, made from the definitions of the commands: `npm run reference` writes it. */
import type { Argument, Command, Option } from 'commander'
import { createProgram } from './program.ts'

/** The whole of docs/reference/cli.md. */
export function cliReference(): string {
  const program = createProgram(() => {})
  return [
    '# Command line',
    '',
    '<!-- Made by `npm run reference` from src/cli/program.ts. -->',
    '',
    'Every command takes these options, before or after its name:',
    '',
    ...optionList(program.options),
    '',
    'Exit codes: 0 done, 1 did not succeed, 2 bad usage or a bad file, 3 refused by policy, 4 there are differences',
    'and `--exit-code` asked for that, 130 left with Ctrl-C while the work goes on. The objects that `--json` prints',
    'are in [json.md](json.md). `REPAVE_HOME` names the state folder; without it that is `/var/lib/repave` for root,',
    'else `$XDG_STATE_HOME/repave`.',
    ...program.commands.flatMap((command) => commandSections(command, 'repave')),
    '',
  ].join('\n')
}

function commandSections(command: Command, parent: string): readonly string[] {
  const name = `${parent} ${command.name()}`
  if (command.commands.length === 0) return commandSection(command, parent)
  return command.commands.flatMap((each) => commandSections(each, name))
}

function commandSection(command: Command, parent: string): readonly string[] {
  const words = [command.name(), ...command.registeredArguments.map(argumentWord)].join(' ')
  const options = command.options.filter(({ hidden }) => !hidden)
  return [
    '',
    `## \`${parent} ${words}\``,
    '',
    `${capitalized(command.description())}.`,
    ...(options.length > 0 ? ['', ...optionList(options)] : []),
  ]
}

function argumentWord(argument: Argument): string {
  const name = argument.name().toUpperCase()
  return argument.required ? name : `[${name}]`
}

function optionList(options: readonly Option[]): readonly string[] {
  return options.map(({ flags, description }) => `- \`${flags}\`: ${description}`)
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
