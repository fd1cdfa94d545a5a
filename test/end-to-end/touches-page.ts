/** The tables of docs/touches.md, from the rows of the catalogue: `npm run catalogue` writes them there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { changeTouches, engineTouches, entranceTouches, type SeenTouch, unseenTouches } from './touch-rows.ts'

export const pagePath = resolve(import.meta.dirname, '../../docs/touches.md')

/** The page as it has to be, from as it is: what stands between the marks of each table is written anew. */
export function renewed(page: string): string {
  return Object.entries(tables()).reduce((text, [name, rows]) => {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`]
    const [before, rest] = cut(text, begin)
    const [, after] = cut(rest, end)
    return `${before}${begin}\n\n${rows}\n\n${end}${after}`
  }, page)
}

function cut(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark)
  if (at === -1) throw new Error(`docs/touches.md has no ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}

function tables(): Readonly<Record<string, string>> {
  return {
    engine: seen(engineTouches),
    entrances: seen(entranceTouches),
    changes: seen(changeTouches),
    unseen: table(
      ['Touch', 'Done by', 'Why nothing tells of it', 'The instance'],
      unseenTouches.map(({ name, how, why, outcome }) => [name, how, why, outcome]),
    ),
  }
}

function seen(touches: readonly SeenTouch[]): string {
  return table(
    ['Touch, and test', 'Done by', 'Seen as (layer)'],
    touches.map(({ name, how, seenAs }) => [name, how, seenAs.join(', or ')]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

if (process.argv[1] === import.meta.filename) writeFileSync(pagePath, renewed(readFileSync(pagePath, 'utf8')))
