/** The units of the stack file, read and printed: `500ms`, `128MiB`, `25%`. */
import type { Quantity } from '../model/stack.ts'

const millisecondsPer = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const bytesPer = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
} as const

export const durationPattern = /^(?:0|[1-9][0-9]{0,8})(?:ms|s|m|h)$/
export const sizePattern = /^[1-9][0-9]{0,8}(?:KiB|MiB|GiB|TiB|kB|MB|GB|TB)$/
export const percentPattern = /^(?:0|[1-9][0-9]?|100)%$/

/** Milliseconds; `text` matches `durationPattern`. */
export function parseDuration(text: string): number {
  const unit = text.replace(/^\d+/, '') as keyof typeof millisecondsPer
  return Number.parseInt(text, 10) * millisecondsPer[unit]
}

/** The shortest text that `parseDuration` reads as `milliseconds`. */
export function printDuration(milliseconds: number): string {
  return printIn(milliseconds, [
    ['h', millisecondsPer.h],
    ['m', millisecondsPer.m],
    ['s', millisecondsPer.s],
    ['ms', 1],
  ])
}

/** Bytes; `text` matches `sizePattern`. */
export function parseSize(text: string): number {
  const unit = text.replace(/^\d+/, '') as keyof typeof bytesPer
  return Number.parseInt(text, 10) * bytesPer[unit]
}

/** The shortest text that `parseSize` reads as `bytes`; bare bytes where no unit divides them. */
export function printSize(bytes: number): string {
  const largestFirst = Object.entries(bytesPer).toSorted(([, a], [, b]) => b - a)
  return printIn(bytes, [...largestFirst, ['B', 1]])
}

/** `text` matches `percentPattern`. */
export function parsePercent(text: string): Quantity {
  return { kind: 'share', share: Number.parseInt(text, 10) / 100 }
}

export function printQuantity(quantity: Quantity): string {
  return quantity.kind === 'count' ? String(quantity.count) : `${Math.round(quantity.share * 100)}%`
}

function printIn(amount: number, units: readonly (readonly [string, number])[]): string {
  const fitting = units.filter(([, factor]) => amount % factor === 0)
  const [unit, factor] = (amount === 0 ? fitting.find(([name]) => name === 's') : fitting[0]) ?? ['', 1]
  return `${amount / factor}${unit}`
}
