/** An error for people: where, what, and what to do next. Pure. */
import type { RepaveError } from '../../errors.ts'
import { printable, type Style } from './text.ts'

export function renderError({ message, hint, at }: RepaveError, style: Style): readonly string[] {
  const place = at && [at.file, at.line, at.column].filter((part) => part !== undefined).join(':')
  const [first = '', ...rest] = message.split('\n').map(printable)
  return [
    `${style.red('error:')} ${place && !first.includes(place) ? `${place}: ` : ''}${first}`,
    ...rest.map((line) => `  ${line}`),
    ...hint.split('\n').map((line) => style.dim(`  ${printable(line)}`)),
  ]
}
