/** The units of the stack file, read and printed: `500ms`, `128MiB`, `25%`. */
import type { CanaryStep, Quantity } from '../model/stack.ts'

const millisecondsPer: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const bytesPer: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
}

export const durationPattern = /^(?:0|[1-9][0-9]{0,8})(?:ms|s|m|h)$/
export const sizePattern = /^[1-9][0-9]{0,8}(?:KiB|MiB|GiB|TiB|kB|MB|GB|TB)$/
export const percentPattern = /^(?:0|[1-9][0-9]?|100)%$/
/** A tenth of a percent is as finely as the router shares requests out. */
export const sharePattern = /^(?:0\.[1-9]|[1-9][0-9]?(?:\.[0-9])?)%$/

/** Milliseconds; `text` matches `durationPattern`. */
export function parseDuration(text: string): number {
  return parseIn(text, millisecondsPer)
}

/** The shortest text that `parseDuration` reads as `milliseconds`. */
export function printDuration(milliseconds: number): string {
  return milliseconds === 0 ? '0s' : printIn(milliseconds, millisecondsPer)
}

/** Bytes; `text` matches `sizePattern`. */
export function parseSize(text: string): number {
  return parseIn(text, bytesPer)
}

/** The shortest text that `parseSize` reads as `bytes`; bare bytes where no unit divides them. */
export function printSize(bytes: number): string {
  return printIn(bytes, bytesPer)
}

/** `text` matches `percentPattern`. */
export function parsePercent(text: string): Quantity {
  return { kind: 'share', share: Number.parseInt(text, 10) / 100 }
}

export function printQuantity(quantity: Quantity): string {
  return quantity.kind === 'count' ? String(quantity.count) : `${Math.round(quantity.share * 100)}%`
}

/** Between 0 and 1; `text` matches `sharePattern`. */
export function parseShare(text: string): number {
  return Math.round(Number.parseFloat(text) * 10) / 1000
}

export function printShare(share: number): string {
  return `${Math.round(share * 1000) / 10}%`
}

/** `5% for 1m and 100 requests` */
export function printStep({ share, holdMs, requests }: CanaryStep): string {
  return `${printShare(share)} for ${printDuration(holdMs)}${requests > 0 ? ` and ${requests} requests` : ''}`
}

function parseIn(text: string, units: Readonly<Record<string, number>>): number {
  return Number.parseInt(text, 10) * (units[text.replace(/^\d+/, '')] ?? Number.NaN)
}

/** In the largest unit that divides `amount`. */
function printIn(amount: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => amount % factor === 0)
  const [unit, factor] = fitting.toSorted(([, a], [, b]) => b - a)[0] ?? ['B', 1]
  return `${amount / factor}${unit}`
}
