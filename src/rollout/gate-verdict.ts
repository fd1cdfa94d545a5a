/** Whether the number of a query keeps to its bounds. Pure. */

export interface GateBounds {
  readonly name: string
  readonly min?: number
  readonly max?: number
}

export type GateVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'worse'; readonly reason: string }
  /** No data is never a pass. */
  | { readonly kind: 'insufficient'; readonly reason: string }

/** Bounds are kept by a number that equals them. */
export function gateVerdict({ name, min, max }: GateBounds, value: number | undefined): GateVerdict {
  if (value === undefined || Number.isNaN(value)) return { kind: 'insufficient', reason: `${name}: there are no data` }
  if (min !== undefined && value < min) return { kind: 'worse', reason: `${name}: ${value} is less than ${min}` }
  if (max !== undefined && value > max) return { kind: 'worse', reason: `${name}: ${value} is more than ${max}` }
  return { kind: 'fine' }
}
