/** What is told of times that were measured several times. */

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** `median 4.1 ms, max 9.0 ms` */
export function spread(values: readonly number[]): string {
  return `median ${milliseconds(median(values))}, max ${milliseconds(Math.max(...values))}`
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`.padStart(8)
}
