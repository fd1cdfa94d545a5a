/** What a newcomer needs: `repave` alone. Pure. */
import { type Style, table } from './text.ts'

const firstCommands = [
  ['repave init', 'write a small stack file'],
  ['repave plan', 'what `up` would do, and why'],
  ['repave up', 'do it, and wait for the verdict'],
  ['repave status', 'what runs'],
  ['repave rollback', 'back to the version before'],
  ['repave doctor', 'what this machine lacks'],
] as const

export function renderWelcome(style: Style): readonly string[] {
  return [
    `${style.bold('Repave')}: infrastructure that is replaced, never changed.`,
    '',
    ...table(
      firstCommands.map(([command, summary]) => [style.cyan(command), summary]),
      '  ',
    ),
    '',
    'All commands: `repave --help`. One of them: `repave up --help`.',
  ]
}
