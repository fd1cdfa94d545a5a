/** Durations for people. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** `0.04 s`, `3.2 s`, `12 s`, `1 m 3 s`, `2 h`: the two largest units, and what seconds alone need. */
export function durationWords(ms: number): string {
  if (ms < 59_500) return `${Number((ms / 1_000).toPrecision(2))} s`
  const largest = units.findIndex(([, unitMs]) => ms >= unitMs - 500)
  const [[name, unitMs], [smallName, smallMs]] = [units[largest]!, units[largest + 1]!]
  const inSmall = Math.round(ms / smallMs)
  const perUnit = unitMs / smallMs
  const rest = inSmall % perUnit
  return `${Math.floor(inSmall / perUnit)} ${name}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}
