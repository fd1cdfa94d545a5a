/** Text for people: columns, ages, colours, and what must not reach a terminal. Pure. */
import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'

/** Colours, or their absence. */
export type Style = ReturnType<typeof picocolors.createColors>

export const plainStyle: Style = picocolors.createColors(false)
export const colorStyle: Style = picocolors.createColors(true)

/** Rows as aligned columns; colours take no width. */
export function table(rows: readonly (readonly string[])[], indent = ''): readonly string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))))
  return rows.map((row) => {
    const cells = row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - width(cell)))
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
}

/** Columns on a terminal, for text without wide characters. */
export function width(text: string): number {
  return stripVTControlCharacters(text).length
}

/** `text` cut to `columns`, with `…` where something is missing. Colours are lost from what is cut. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text
  return `${stripVTControlCharacters(text).slice(0, Math.max(0, columns - 1))}…`
}

/** `text` without colours in lines of at most `columns`, broken between words; none for no text. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ').filter((each) => each !== '')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** What an instance, an image or an engine wrote, as text that can't steer the terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** `45s`, `12m`, `3h`, `9d`. */
export function age(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** How long before `nowMs` an ISO time was. */
export function agoMs(time: string, nowMs: number): number {
  return nowMs - Date.parse(time)
}

/** `1 instance`, `3 instances`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The digits of `web@4f9a1c2b`. */
export function digits(versionName: string): string {
  return versionName.slice(versionName.lastIndexOf('@') + 1)
}
